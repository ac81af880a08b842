/// The units of sizes on the wire: Gb is 10^9 bytes, a VPS's storage is GiB as sold, both with one
/// decimal.
enum Sizes {
  /// Bytes as Gb.
  static func gb(_ bytes: Int64) -> Double {
    rounded(Double(bytes) / 1_000_000_000)
  }

  /// Bytes as the GiB that a VPS is sold with.
  static func storageGb(_ bytes: Int64) -> Double {
    rounded(Double(bytes) / 1_073_741_824)
  }

  private static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
