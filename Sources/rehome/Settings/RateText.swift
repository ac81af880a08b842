/// Rates as people write them: `50M`, `200K`, `1G` bytes a second in powers of 1024, or `none`.
enum RateText {
  private static let units: [Character: Int64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
  /// What no disk of today moves in a second; longer numbers are slips of the pen.
  private static let highest: Int64 = 1 << 50

  /// A rate that was read: a bound, or none.
  enum Rate: Equatable, Sendable {
    case unlimited
    case bytesPerSecond(Int64)

    /// The bound; nil: none.
    var bound: Int64? {
      guard case .bytesPerSecond(let bytes) = self else { return nil }
      return bytes
    }
  }

  /// Reads a rate; nil for anything else, zero among it: a job that moves nothing never ends.
  static func parse(_ text: String) -> Rate? {
    if text == "none" { return .unlimited }
    guard let last = text.last, text.first?.isNumber == true else { return nil }
    let unit = units[last]
    guard let count = Int64(unit == nil ? text[...] : text.dropLast()), count > 0,
      count <= highest / (unit ?? 1)
    else { return nil }
    return .bytesPerSecond(count * (unit ?? 1))
  }

  /// Writes a rate for people.
  static func of(_ bytesPerSecond: Int64?) -> String {
    bytesPerSecond.map { "\(ByteText.of($0))/s" } ?? "none"
  }
}
