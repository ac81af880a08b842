import Checksum
import Testing

struct ChecksumTests {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
  ])
  func `SHA-256 gives the published digests, whole and piece by piece`(text: String, hex: String) {
    let bytes = Array(text.utf8)
    #expect(digest(bytes).description == hex)
    var stream = SHA256Stream()
    for byte in bytes { [byte].withRawBytes { stream.update($0) } }
    #expect(stream.digest().description == hex)
  }

  @Test func `A digest reads its own text, in either case, and nothing else`() throws {
    let one = digest([1])
    #expect(Digest(hex: one.description) == one)
    #expect(Digest(hex: one.description.uppercased()) == one)
    for text in [
      "", String(one.description.dropLast()), one.description + "0",
      "zz" + one.description.dropFirst(2),
    ] {
      #expect(Digest(hex: text) == nil)
    }
  }

  @Test func `Digests are equal if all bytes are`() throws {
    let one = digest([1])
    #expect(one.equals(digest([1])))
    for index in 0..<Digest.byteCount {
      var bytes = one.bytes
      bytes[index] ^= 1
      let other = try #require(bytes.withRawBytes { Digest(bytes: $0) })
      #expect(!one.equals(other))
      #expect(one != other)
    }
  }

  @Test func `A list of digests comes back from its bytes`() throws {
    let list = (0..<5).map { digest([$0]) }
    let bytes = Digest.withBytes(of: list) { concatenate([], $0) }
    #expect(bytes == list.flatMap(\.bytes))
    #expect(bytes.withRawBytes { Digest.list(from: $0) } == list)
    #expect(bytes.dropLast().withContiguousArray { Digest.list(from: $0) } == nil)
  }

  @Test(arguments: [1, 2, 7, 8, 9, 63, 4096, 4097])
  func `One bit anywhere makes bytes not zero`(count: Int) {
    #expect(zeros(count).withRawBytes { isZero($0) })
    for index in Set([0, count / 2, count - 1]) {
      var bytes = zeros(count)
      bytes[index] = 1
      #expect(!bytes.withRawBytes { isZero($0) })
    }
  }

  @Test func `No bytes are zero`() {
    #expect([UInt8]().withRawBytes { isZero($0) })
  }
}

extension ArraySlice<UInt8> {
  fileprivate func withContiguousArray<R>(_ body: (RawSpan) -> R) -> R {
    Array(self).withRawBytes { body($0) }
  }
}
