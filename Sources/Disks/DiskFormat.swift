/// How an image file holds a disk; always told by the domain's definition, never guessed.
///
/// Stored: append only.
package enum DiskFormat: String, Sendable, Codable, CaseIterable {
  /// The file is the disk.
  case raw
  /// QEMU's copy-on-write format, here always one layer.
  case qcow2
}
