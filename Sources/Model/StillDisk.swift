/// A stopped VPS's disk as it was backed up, so that it can be told whether anybody has written to
/// it since.
///
/// Stored: fields are append-only.
package struct StillDisk: Sendable, Equatable, Codable {
  /// The device's name in the domain.
  package var device: String
  /// The boot of the host in which it was seen.
  package var bootID: String
  /// The id of the file system that the image is on.
  package var fileSystem: String
  /// The number of the image's file there.
  package var inode: UInt64
  /// The file's length in bytes.
  package var fileBytes: Int64
  /// The file's change time in nanoseconds since 1970.
  package var changedNanoseconds: Int64
  /// How the file was read as a disk; nil in records of older versions, which aren't trusted: the same
  /// file is another disk in another format.
  package var format: String?

  /// Makes a disk's record.
  package init(
    device: String,
    bootID: String,
    fileSystem: String,
    inode: UInt64,
    fileBytes: Int64,
    changedNanoseconds: Int64,
    format: String?
  ) {
    self.device = device
    self.bootID = bootID
    self.fileSystem = fileSystem
    self.inode = inode
    self.fileBytes = fileBytes
    self.changedNanoseconds = changedNanoseconds
    self.format = format
  }
}

/// The disks of a stopped VPS with the backup that shows them.
package struct StillDisks: Sendable, Equatable {
  /// The VPS.
  package var vpsID: VPSID
  /// The backup.
  package var backupID: BackupID
  /// The disks that a mark could be had of.
  package var disks: [StillDisk]

  /// Makes a record.
  package init(vpsID: VPSID, backupID: BackupID, disks: [StillDisk]) {
    self.vpsID = vpsID
    self.backupID = backupID
    self.disks = disks
  }
}
