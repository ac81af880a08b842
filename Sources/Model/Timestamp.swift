import Foundation

/// A moment on the wall clock, in milliseconds since 1970; how every time is stored and shown.
package struct Timestamp: Hashable, Sendable, Comparable {
  /// Milliseconds since 1970-01-01T00:00:00Z.
  package let milliseconds: Int64

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
    // The formatter truncates a fraction that binary numbers can't hold, so it gets none.
    let (second, fraction) = Self.split(milliseconds)
    let whole = Date(timeIntervalSince1970: Double(second)).formatted(Date.ISO8601FormatStyle())
    return "\(whole.dropLast()).\(String(fraction + 1000).dropFirst())Z"
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
