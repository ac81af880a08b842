import Checksum
import Datastore
import Disks
import Testing

/// Hashing two pieces together gives what hashing each alone does.
struct DigestPairTests {
  private static func bytes(_ count: Int, _ seed: UInt64) -> [UInt8] {
    var state = seed | 1
    return (0..<count).map { _ in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return UInt8(truncatingIfNeeded: state >> 24)
    }
  }

  private static func alone(_ bytes: [UInt8]) -> Digest {
    bytes.withRawBytes { Digest(sha256: $0) }
  }

  @Test func `both of a pair are what each is alone, at every odd end`() {
    // Over the borders at which the padding takes a second block, and some way on.
    for count in Array(0...260) + [4095, 4096, 65_536, 100_001] {
      let (one, other) = (Self.bytes(count, 3), Self.bytes(count, 0xDEAD_BEEF))
      let pair = one.withRawBytes { first in
        other.withRawBytes { Digest.pair(sha256: first, $0) }
      }
      #expect(pair.0 == Self.alone(one), "\(count) bytes")
      #expect(pair.1 == Self.alone(other), "\(count) bytes")
    }
  }

  @Test(arguments: [(1, true), (2, true), (3, true), (2, false)])
  func `whoever asks gets the digest of its own bytes`(_ width: Int, _ takesPairs: Bool) async {
    let threads = BlockingExecutor(label: "test", width: 4)
    let queue = DigestQueue(on: threads, width: width, takesPairs: takesPairs)
    await withTaskGroup(of: Bool.self) { group in
      for number in 0..<64 {
        group.addTask {
          // Three lengths, so that not everybody finds a partner.
          let bytes = Self.bytes([5000, 5000, 64, 777][number % 4], UInt64(number) &* 77 &+ 5)
          let buffer = AlignedBuffer(capacity: bytes.count)
          buffer.withMutableBytes(bytes.count) { target in
            bytes.withRawBytes { copy($0, into: &target) }
          }
          return await queue.digest(of: buffer, count: bytes.count) == Self.alone(bytes)
        }
      }
      for await isRight in group { #expect(isRight) }
    }
  }
}
