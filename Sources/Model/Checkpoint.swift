/// The mark on a VPS's disks from which its next backup counts what has changed.
///
/// One a VPS: the end of its chain.
package struct Checkpoint: Sendable, Equatable {
  /// The VPS.
  package var vpsID: VPSID
  /// Its name in libvirt, never used twice.
  package var name: String
  /// The backup that shows the disks as they were at the mark; nil once that is gone.
  package var backupID: BackupID?
  /// The domain's UUID at the time.
  package var domainUUID: String
  /// All data disks of the VPS at the time.
  package var disks: [CheckpointDisk]
  /// When the mark was set.
  package var createdAt: Timestamp

  /// Makes a checkpoint's record.
  package init(
    vpsID: VPSID,
    name: String,
    backupID: BackupID?,
    domainUUID: String,
    disks: [CheckpointDisk],
    createdAt: Timestamp
  ) {
    self.vpsID = vpsID
    self.name = name
    self.backupID = backupID
    self.domainUUID = domainUUID
    self.disks = disks
    self.createdAt = createdAt
  }
}

/// A disk as it was when a checkpoint was set.
///
/// Stored: fields are append-only.
package struct CheckpointDisk: Sendable, Equatable, Codable {
  /// The device's name in the domain.
  package var device: String
  /// The size that the guest saw.
  package var sizeBytes: Int64
  /// The image format.
  package var format: String
  /// The id of the file system that the image is on.
  package var fileSystem: String
  /// The number of the image's file there.
  package var inode: UInt64
  /// How often the guest had flushed it by then; nil: that isn't known.
  package var flushCount: Int64?

  /// Makes a disk's record.
  package init(
    device: String,
    sizeBytes: Int64,
    format: String,
    fileSystem: String,
    inode: UInt64,
    flushCount: Int64? = nil
  ) {
    self.device = device
    self.sizeBytes = sizeBytes
    self.format = format
    self.fileSystem = fileSystem
    self.inode = inode
    self.flushCount = flushCount
  }

  /// Whether both are of the same image, at whatever time.
  package func isSameImage(as other: CheckpointDisk) -> Bool {
    var other = other
    other.flushCount = flushCount
    return self == other
  }
}

/// The names of the checkpoints that are ours.
package enum CheckpointName {
  private static let prefix = "rehome-"

  /// A name that nobody has used.
  package static func make(_ ulid: ULID) -> String { "\(prefix)\(ulid)" }

  /// Whether a checkpoint was set by us.
  package static func isOurs(_ name: String) -> Bool {
    name.hasPrefix(prefix) && ULID(name.dropFirst(prefix.count)) != nil
  }
}

/// Why a backup had to read its disks in full.
///
/// Stored and on the wire: append only.
package enum FullReadReason: String, Sendable, Codable, CaseIterable {
  /// No earlier backup has left a checkpoint: the first one, or the first after a restore.
  case noCheckpoint = "no_checkpoint"
  /// No disk has a format in which changes can be recorded.
  case unsupportedFormat = "unsupported_format"
  /// The backup that the checkpoint belongs to was deleted.
  case parentDeleted = "parent_deleted"
  /// The backup that the checkpoint belongs to is damaged or can't be read.
  case parentDamaged = "parent_damaged"
  /// The domain isn't the one that the checkpoint was set on.
  case domainChanged = "domain_changed"
  /// A disk was added, removed, resized or replaced.
  case disksChanged = "disks_changed"
  /// The hypervisor doesn't know the checkpoint any more.
  case checkpointLost = "checkpoint_lost"
  /// A disk's record of changes is missing or broken, as after a crash of the hypervisor.
  case bitmapLost = "bitmap_lost"
}
