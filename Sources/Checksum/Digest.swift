/// A SHA-256 digest: the name of a chunk, the seal of an index.
///
/// The 32 bytes are kept in memory order in four words, so that an array of digests is as compact
/// as the index file it came from.
package struct Digest: Hashable, Sendable, BitwiseCopyable {
  /// How many bytes a digest has.
  package static let byteCount = 32

  private var words: InlineWords

  /// Four words that hold 32 bytes in memory order.
  private struct InlineWords: Hashable, Sendable, BitwiseCopyable {
    var first: UInt64 = 0
    var second: UInt64 = 0
    var third: UInt64 = 0
    var fourth: UInt64 = 0
  }

  /// Stands where a digest will be.
  package static let blank = Digest()

  private init() { words = InlineWords() }

  /// Takes 32 bytes as they are; nil for any other number.
  package init?(bytes: RawSpan) {
    guard bytes.byteCount == Self.byteCount else { return nil }
    var words = InlineWords()
    unsafe withUnsafeMutableBytes(of: &words) { target in
      unsafe bytes.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
    }
    self.words = words
  }

  /// Reads 64 hexadecimal digits, upper or lower case; nil for anything else.
  package init?(hex: some StringProtocol) {
    let digits = Array(hex.utf8)
    guard digits.count == Self.byteCount * 2 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.byteCount)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = Self.value(of: digits[index]), let low = Self.value(of: digits[index + 1])
      else { return nil }
      bytes.append(high << 4 | low)
    }
    self.init(bytes: unsafe bytes.span.bytes)
  }

  /// The 32 bytes.
  package var bytes: [UInt8] {
    unsafe withUnsafeBytes(of: words) { unsafe [UInt8]($0) }
  }

  /// Compares without telling by the time it takes where the two differ.
  package func equals(_ other: Self) -> Bool {
    let difference =
      (words.first ^ other.words.first) | (words.second ^ other.words.second)
      | (words.third ^ other.words.third) | (words.fourth ^ other.words.fourth)
    return difference == 0
  }

  private static func value(of digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

extension Digest: CustomStringConvertible {
  /// 64 lowercase hexadecimal digits.
  package var description: String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(Self.byteCount * 2)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}

extension Digest {
  /// Splits a run of digests, as an index file holds it; nil unless the length fits.
  package static func list(from bytes: RawSpan) -> [Digest]? {
    guard bytes.byteCount % byteCount == 0 else { return nil }
    let count = bytes.byteCount / byteCount
    return unsafe [Digest](unsafeUninitializedCapacity: count) { list, used in
      unsafe bytes.withUnsafeBytes { source in
        unsafe UnsafeMutableRawBufferPointer(list).copyMemory(from: source)
      }
      used = count
    }
  }

  /// Lends the bytes of all digests, one behind the other, as an index file holds them.
  package static func withBytes<R, E: Error>(
    of list: [Digest],
    _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    try body(unsafe list.span.bytes)
  }
}
