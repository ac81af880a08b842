internal import CSHA2

extension Digest {
  /// Whether two pieces are hashed faster together than one after the other.
  ///
  /// In a debug build they aren't: nobody has optimised our own code there, while swift-crypto's is
  /// assembly.
  package static let isFasterInPairs: Bool = {
    #if DEBUG
    false
    #else
    canPair
    #endif
  }()

  /// Whether the processor has the instructions; asking it anew costs more than a kilobyte's hash.
  private static let canPair = rehome_has_sha256_pair() != 0

  private static let blockSize = 64

  /// What SHA-256 begins with.
  private static let beginning: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
    0x5be0_cd19,
  ]

  /// Hashes two pieces of the same length, at the same time where the processor can.
  package static func pair(sha256 first: RawSpan, _ second: RawSpan) -> (Digest, Digest) {
    let count = first.byteCount
    precondition(count == second.byteCount, "a pair has one length")
    guard canPair else { return (Digest(sha256: first), Digest(sha256: second)) }
    var states = beginning + beginning
    let whole = count / blockSize * blockSize
    hash(first.extracting(0..<whole), second.extracting(0..<whole), into: &states)
    let firstEnd = ending(first.extracting(whole..<count), of: count)
    let secondEnd = ending(second.extracting(whole..<count), of: count)
    firstEnd.withRawBytes { one in
      secondEnd.withRawBytes { hash(one, $0, into: &states) }
    }
    return (digest(of: states[0..<8]), digest(of: states[8..<16]))
  }

  /// Hashes whole blocks into the states of both.
  private static func hash(_ one: RawSpan, _ other: RawSpan, into states: inout [UInt32]) {
    unsafe states.withUnsafeMutableBufferPointer { states in
      unsafe one.withUnsafeBytes { one in
        unsafe other.withUnsafeBytes { other in
          guard let states = states.baseAddress, let first = one.baseAddress,
            let second = other.baseAddress
          else { return }
          unsafe rehome_sha256_pair(states, first, second, one.count / blockSize)
        }
      }
    }
  }

  /// What is left of a piece, with the padding and the length that end it.
  private static func ending(_ rest: RawSpan, of count: Int) -> [UInt8] {
    var bytes = concatenate([], rest)
    bytes.append(0x80)
    while bytes.count % blockSize != blockSize - 8 { bytes.append(0) }
    let bits = UInt64(count) * 8
    for shift in stride(from: 56, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
    }
    return bytes
  }

  private static func digest(of words: ArraySlice<UInt32>) -> Digest {
    let bytes = words.flatMap { word in
      [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
    }
    guard let digest = bytes.withRawBytes({ Digest(bytes: $0) }) else {
      preconditionFailure("eight words are a digest")
    }
    return digest
  }
}
