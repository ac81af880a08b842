/// What a restore proves before it exchanges disks.
///
/// In the configuration: append only.
package enum RestoreVerification: String, Sendable, Codable, CaseIterable {
  /// What was written is read from the disk again and compared.
  case readback
  /// What is written has its SHA-256; that the disk kept it is left to the disk.
  case sourceOnly = "source-only"
}
