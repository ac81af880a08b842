/// Sizes as people read them, in powers of 1024: `1.5 GiB`.
enum ByteText {
  private static let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]

  /// Writes a number of bytes with at most one decimal.
  static func of(_ bytes: Int64) -> String {
    var value = Double(max(0, bytes))
    var unit = 0
    while value >= 1024, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    let tenths = Int64((value * 10).rounded())
    guard unit > 0, tenths % 10 != 0, tenths < 1000 else {
      return "\(Int64(value.rounded())) \(units[unit])"
    }
    return "\(tenths / 10).\(tenths % 10) \(units[unit])"
  }
}
