/// Durations as people write them: `60s`, `5m`, `24h`, `90d`.
enum DurationText {
  /// Longer ones are slips of the pen, and would overflow what is added to a moment.
  private static let longest = 100 * 366 * 86_400

  /// Reads a duration; nil for anything but a whole number and one unit.
  static func parse(_ text: String) -> Duration? {
    guard let unit = text.last, let count = Int(text.dropLast()), count >= 0,
      text.first?.isNumber == true
    else { return nil }
    let seconds: Int
    switch unit {
    case "s": seconds = 1
    case "m": seconds = 60
    case "h": seconds = 3600
    case "d": seconds = 86_400
    default: return nil
    }
    guard count <= longest / seconds else { return nil }
    return .seconds(count * seconds)
  }

  /// Writes a duration for people: `0:34`, `12:05`, `3:20:00`.
  static func clock(_ duration: Duration) -> String {
    let seconds = max(0, duration.components.seconds)
    let parts = [seconds / 3600, seconds / 60 % 60, seconds % 60]
    let padded = parts.map { $0 < 10 ? "0\($0)" : "\($0)" }
    return parts[0] > 0
      ? "\(parts[0]):\(padded[1]):\(padded[2])" : "\(parts[1]):\(padded[2])"
  }

  /// Writes milliseconds for people: `12 ms`, `4.2 s`.
  static func short(milliseconds: Int64) -> String {
    guard milliseconds >= 1000 else { return "\(milliseconds) ms" }
    return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
  }
}
