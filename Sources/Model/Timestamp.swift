import Foundation

/// A moment on the wall clock, in milliseconds since 1970; how every time is stored and shown.
package struct Timestamp: Hashable, Sendable, Comparable {
  /// Milliseconds since 1970-01-01T00:00:00Z.
  package let milliseconds: Int64

  /// The last moment that can be written with four digits for the year; what ends then doesn't end.
  package static let never = Timestamp(milliseconds: 253_402_300_799_999)

  /// Makes a moment from milliseconds since 1970.
  package init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  /// Makes a moment from whole seconds since 1970.
  package init(seconds: Int64) {
    milliseconds = seconds * 1000
  }

  /// Reads `2026-04-27T12:34:56.000Z`, with or without the fraction; nil for anything else.
  package init?(_ text: String) {
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    let plain = Date.ISO8601FormatStyle(includingFractionalSeconds: false)
    guard let date = (try? style.parse(text)) ?? (try? plain.parse(text)) else { return nil }
    milliseconds = Int64((date.timeIntervalSince1970 * 1000).rounded())
  }

  /// ISO 8601 in UTC with milliseconds: `2026-04-27T12:34:56.000Z`.
  package var text: String {
    let (second, fraction) = Self.split(milliseconds)
    // Answers tell several times each, and the general formatter costs more than finding them.
    let clock = (second % 86_400 + 86_400) % 86_400
    let (year, month, day) = Self.civil(day: (second - clock) / 86_400)
    var text: [UInt8] = []
    text.reserveCapacity(24)
    for (number, count, mark) in [
      (year, 4, "-"), (month, 2, "-"), (day, 2, "T"), (clock / 3600, 2, ":"),
      (clock / 60 % 60, 2, ":"), (clock % 60, 2, "."), (fraction, 3, "Z"),
    ] as [(Int64, Int, Unicode.Scalar)] {
      Self.append(number, digits: count, to: &text)
      text.append(UInt8(ascii: mark))
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func append(_ number: Int64, digits count: Int, to text: inout [UInt8]) {
    guard (0..<10_000).contains(number) else { return text.append(contentsOf: "\(number)".utf8) }
    let start = text.count
    var rest = number
    while rest > 0 || text.count - start < count {
      text.insert(UInt8(ascii: "0") + UInt8(rest % 10), at: start)
      rest /= 10
    }
  }

  /// The date of a day counted from 1970-01-01, in the Gregorian calendar: years are counted from
  /// March, so that the leap day is a year's last, in eras of 400 years.
  private static func civil(day: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let sinceMarch = day + 719_468
    let era = (sinceMarch >= 0 ? sinceMarch : sinceMarch - 146_096) / 146_097
    let dayOfEra = sinceMarch - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
  }

  /// Whole seconds since 1970, as PBS counts backup times.
  package var seconds: Int64 { Self.split(milliseconds).second }

  /// Seconds rounded down, and what is left.
  private static func split(_ milliseconds: Int64) -> (second: Int64, fraction: Int64) {
    let fraction = (milliseconds % 1000 + 1000) % 1000
    return ((milliseconds - fraction) / 1000, fraction)
  }

  /// The moment that is `duration` later.
  package func advanced(by duration: Duration) -> Timestamp {
    Timestamp(milliseconds: milliseconds + duration.milliseconds)
  }

  package static func < (left: Self, right: Self) -> Bool {
    left.milliseconds < right.milliseconds
  }
}

extension Timestamp: CustomStringConvertible {
  package var description: String { text }
}

extension Timestamp: Codable {
  package init(from decoder: any Decoder) throws {
    milliseconds = try decoder.singleValueContainer().decode(Int64.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(milliseconds)
  }
}

extension Duration {
  /// The duration in whole milliseconds.
  package var milliseconds: Int64 {
    components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
  }

  /// The duration in whole nanoseconds.
  package var nanoseconds: Int64 {
    components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
  }
}

/// Tells the time of day; injected, so that tests decide what time it is.
package protocol WallClock: Sendable {
  /// The moment now.
  func now() -> Timestamp
}

/// The machine's own clock.
package struct SystemWallClock: WallClock {
  /// Makes the machine's clock.
  package init() {}

  package func now() -> Timestamp {
    Timestamp(milliseconds: Int64((Date.now.timeIntervalSince1970 * 1000).rounded(.down)))
  }
}

/// Makes new identifiers; injected with the clock, so that tests can foretell them.
package struct IdentifierFactory: Sendable {
  private let clock: any WallClock

  /// Makes a factory that stamps identifiers with `clock`'s time.
  package init(clock: any WallClock) {
    self.clock = clock
  }

  /// A new identifier of any kind.
  package func make<Kind>(_ kind: Kind.Type = Kind.self) -> Identifier<Kind> {
    var generator = SystemRandomNumberGenerator()
    return Identifier(ULID(at: clock.now(), using: &generator))
  }
}
