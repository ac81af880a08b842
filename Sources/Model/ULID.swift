/// A 128-bit identifier that sorts by the time it was made: 48 bits of milliseconds, 80 of chance.
package struct ULID: Hashable, Sendable {
  /// The length of the text form.
  package static let textLength = 26

  private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
  /// The value of each byte as a character, 32 for one that is none: every request reads two ULIDs.
  private static let values = (UInt8.min ... .max).map { byte in
    UInt8(alphabet.firstIndex(of: byte) ?? alphabet.count)
  }

  private let high: UInt64
  private let low: UInt64

  /// Makes a ULID for a moment, with randomness from `generator`.
  package init(at time: Timestamp, using generator: inout some RandomNumberGenerator) {
    let milliseconds = UInt64(max(0, time.milliseconds)) & 0xFFFF_FFFF_FFFF
    high = milliseconds << 16 | UInt64(UInt16.random(in: 0...UInt16.max, using: &generator))
    low = UInt64.random(in: 0...UInt64.max, using: &generator)
  }

  /// Reads the 26 characters of lowercase Crockford base32; nil for anything else.
  package init?(_ text: some StringProtocol) {
    self.init(Substring(text).utf8)
  }

  /// Reads the same of bytes.
  init?(_ text: Substring.UTF8View) {
    // 26 × 5 = 130 bits: the first character may carry three only.
    guard text.count == Self.textLength, let first = text.first, Self.values[Int(first)] < 8 else {
      return nil
    }
    let values = Self.values
    var high: UInt64 = 0
    var low: UInt64 = 0
    for character in text {
      let value = values[Int(character)]
      guard value < 32 else { return nil }
      high = high << 5 | low >> 59
      low = low << 5 | UInt64(value)
    }
    self.high = high
    self.low = low
  }

  /// The moment it was made.
  package var time: Timestamp { Timestamp(milliseconds: Int64(high >> 16)) }
}

extension ULID: CustomStringConvertible {
  package var description: String {
    var characters = [UInt8](repeating: 0, count: Self.textLength)
    var (high, low) = (high, low)
    for position in stride(from: Self.textLength - 1, through: 0, by: -1) {
      characters[position] = Self.alphabet[Int(low & 31)]
      low = low >> 5 | high << 59
      high >>= 5
    }
    return String(decoding: characters, as: UTF8.self)
  }
}

extension ULID: Comparable {
  package static func < (left: Self, right: Self) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}
