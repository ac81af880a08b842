package import Disks
package import Model

// What the journal rows of a restore hold, as JSON. Stored: fields are append-only.

/// One disk on its way, in the row that begins `stage`.
package struct StagedDisk: Sendable, Equatable, Codable {
  /// The target's device, such as `vda`.
  package var device: String
  /// The backup's index; nil in an undo.
  package var archive: String?
  /// The real path of the target's disk.
  package var currentPath: String
  /// The staged disk beside it, which is the former disk after the exchange; in place, the undo log.
  package var stagedPath: String
  /// The image format, from the domain's XML.
  package var format: String
  /// The size that the guest sees.
  package var sizeBytes: Int64

  /// Makes a disk's record.
  package init(
    device: String,
    archive: String?,
    currentPath: String,
    stagedPath: String,
    format: String,
    sizeBytes: Int64
  ) {
    self.device = device
    self.archive = archive
    self.currentPath = currentPath
    self.stagedPath = stagedPath
    self.format = format
    self.sizeBytes = sizeBytes
  }
}

/// How the domain's seed device changes; each side is the device's whole XML, or none.
package struct SeedChange: Sendable, Equatable, Codable {
  /// The device name both have, such as `vdb`.
  package var device: String
  /// The device as it was; nil: there was none.
  package var before: String?
  /// The device as it becomes; nil: there is none.
  package var after: String?
  /// The file that the new device reads.
  package var path: String?

  /// Makes a change.
  package init(device: String, before: String?, after: String?, path: String?) {
    self.device = device
    self.before = before
    self.after = after
    self.path = path
  }

  /// The same change the other way.
  package var reversed: SeedChange {
    SeedChange(device: device, before: after, after: before, path: nil)
  }
}

/// The row that begins `stage`, or an undo's `stop`: everything that is exchanged together.
package struct StageRecord: Sendable, Equatable, Codable {
  /// The disks.
  package var disks: [StagedDisk]
  /// The job whose name the stamps carry: the restore, also in its undo.
  package var stampJobID: String
  /// Whether the disks are written over where they are; nil: they are exchanged.
  package var isInPlace: Bool?
  /// In the undo of an in-place restore, whether that one never came to its end; nil: it did.
  package var isHalfDone: Bool?
  /// In an undo, what the firmware had stored before the restore; nil: nothing was kept.
  package var nvram: KeptNVRAM?

  /// Makes a record.
  package init(
    disks: [StagedDisk],
    stampJobID: String,
    isInPlace: Bool? = nil,
    isHalfDone: Bool? = nil,
    nvram: KeptNVRAM? = nil
  ) {
    self.disks = disks
    self.stampJobID = stampJobID
    self.isInPlace = isInPlace
    self.isHalfDone = isHalfDone
    self.nvram = nvram
  }

  /// The files that are exchanged together.
  var pairs: [ExchangePair] {
    disks.map {
      ExchangePair(
        job: stampJobID,
        disk: $0.device,
        current: $0.currentPath,
        staged: $0.stagedPath
      )
    }
  }
}

/// The row that ends `stage`.
package struct StagedRecord: Sendable, Equatable, Codable {
  /// Bytes read from the datastore, decoded.
  package var bytesRead: Int64
  /// Bytes written to staged disks.
  package var bytesWritten: Int64
  /// Bytes that needed no writing.
  package var bytesReused: Int64
  /// Bytes of the target's own content that were read to see whether they need writing.
  package var bytesCompared: Int64
  /// Bytes that were made zero by freeing them.
  package var bytesZeroed: Int64
  /// Bytes that clones share with the disks that they were made of.
  package var bytesShared: Int64
  /// Whether everything that was written was read back and compared.
  package var isReadBack: Bool

  /// Makes a record.
  package init(
    bytesRead: Int64 = 0,
    bytesWritten: Int64 = 0,
    bytesReused: Int64 = 0,
    bytesCompared: Int64 = 0,
    bytesZeroed: Int64 = 0,
    bytesShared: Int64 = 0,
    isReadBack: Bool = false
  ) {
    self.bytesRead = bytesRead
    self.bytesWritten = bytesWritten
    self.bytesReused = bytesReused
    self.bytesCompared = bytesCompared
    self.bytesZeroed = bytesZeroed
    self.bytesShared = bytesShared
    self.isReadBack = isReadBack
  }

  // By hand, because a job may be taken up with rows that an earlier version wrote.
  package init(from decoder: any Decoder) throws {
    let row = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      bytesRead: try row.decode(Int64.self, forKey: .bytesRead),
      bytesWritten: try row.decode(Int64.self, forKey: .bytesWritten),
      bytesReused: try row.decode(Int64.self, forKey: .bytesReused),
      bytesCompared: try row.decodeIfPresent(Int64.self, forKey: .bytesCompared) ?? 0,
      bytesZeroed: try row.decodeIfPresent(Int64.self, forKey: .bytesZeroed) ?? 0,
      bytesShared: try row.decodeIfPresent(Int64.self, forKey: .bytesShared) ?? 0,
      isReadBack: try row.decodeIfPresent(Bool.self, forKey: .isReadBack) ?? true
    )
  }
}

extension StagedRecord {
  static func += (left: inout StagedRecord, right: StagedRecord) {
    left.bytesRead += right.bytesRead
    left.bytesWritten += right.bytesWritten
    left.bytesReused += right.bytesReused
    left.bytesCompared += right.bytesCompared
    left.bytesZeroed += right.bytesZeroed
    left.bytesShared += right.bytesShared
  }
}

/// The row that begins `stop`.
package struct StopRecord: Sendable, Equatable, Codable {
  /// Whether the target ran at that moment.
  package var wasRunning: Bool
  /// Whether libvirt starts it with the host.
  package var hadAutostart: Bool
  /// How the seed will change.
  package var seed: SeedChange
  /// Where the target's firmware stores what isn't on its disks; nil: it has no such file.
  package var nvramPath: String?

  /// Makes a record.
  package init(
    wasRunning: Bool,
    hadAutostart: Bool,
    seed: SeedChange,
    nvramPath: String? = nil
  ) {
    self.wasRunning = wasRunning
    self.hadAutostart = hadAutostart
    self.seed = seed
    self.nvramPath = nvramPath
  }
}

/// What a firmware had stored outside the disks, kept beside the former ones.
package struct KeptNVRAM: Sendable, Equatable, Codable {
  /// Where the firmware stores it.
  package var path: String
  /// What was there; an empty file: nothing was.
  package var copy: String

  /// Makes a record.
  package init(path: String, copy: String) {
    self.path = path
    self.copy = copy
  }
}

/// The row that ends `stop`.
package struct StoppedRecord: Sendable, Equatable, Codable {
  /// How long it took.
  package var milliseconds: Int64
  /// What the stopped target's firmware had stored; nil: it stores nothing.
  package var nvram: KeptNVRAM?

  /// Makes a record.
  package init(milliseconds: Int64, nvram: KeptNVRAM? = nil) {
    self.milliseconds = milliseconds
    self.nvram = nvram
  }
}

/// The row that begins `swap`: which file is which, told by more than a name.
package struct SwapRecord: Sendable, Equatable, Codable {
  /// The files under the targets' names, in the order of the disks.
  package var current: [FileIdentity]
  /// The files under the stages' names.
  package var staged: [FileIdentity]

  /// Makes a record.
  package init(current: [FileIdentity], staged: [FileIdentity]) {
    self.current = current
    self.staged = staged
  }
}

/// The row that ends `swap` where disks were written over.
package struct WrittenRecord: Sendable, Equatable, Codable {
  /// How long it took.
  package var milliseconds: Int64
  /// The files as they were when the last byte was on the disk, by device; block devices are left out.
  package var written: [String: FileIdentity]

  /// Makes a record.
  package init(milliseconds: Int64, written: [String: FileIdentity]) {
    self.milliseconds = milliseconds
    self.written = written
  }
}

/// The row that begins `rollback` or `discard`.
package struct TurnBackRecord: Sendable, Equatable, Codable {
  /// Why the run turns back.
  package var cause: RestoreEnding

  /// Makes a record.
  package init(cause: RestoreEnding) {
    self.cause = cause
  }
}

/// The row that begins `start` once it is decided how.
package struct StartRecord: Sendable, Equatable, Codable {
  /// Whether the target doesn't run its first instruction before it is resumed.
  package var isPaused: Bool

  /// Makes a record.
  package init(isPaused: Bool) {
    self.isPaused = isPaused
  }
}

/// The row that ends a step whose length counts as downtime.
package struct TimedRecord: Sendable, Equatable, Codable {
  /// How long it took.
  package var milliseconds: Int64

  /// Makes a record.
  package init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }
}

/// The row that ends `confirm`.
package struct ConfirmRecord: Sendable, Equatable, Codable {
  /// What is known of the network.
  package var network: NetworkOutcome
  /// What people should know.
  package var notes: [String]

  /// Makes a record.
  package init(network: NetworkOutcome, notes: [String]) {
    self.network = network
    self.notes = notes
  }
}

/// What the catalog keeps so that a restore can be taken back.
package struct UndoDetail: Sendable, Equatable, Codable {
  /// The disks; their staged paths hold the former ones.
  package var disks: [StagedDisk]
  /// How the restore changed the seed.
  package var seed: SeedChange
  /// Bytes that former and new disks share as clones; nil: none.
  ///
  /// Each write of the guest to one of them takes new room, which is promised to it while both disks
  /// are there.
  package var sharedBytes: Int64?
  /// Whether the disks were written over, and what they held is in undo logs; nil: no.
  package var isInPlace: Bool?
  /// Whether the disks were never written over to the end; nil: they were.
  ///
  /// Then what isn't in the logs wasn't touched, and isn't to be taken from the backup.
  package var isHalfDone: Bool?
  /// What the firmware had stored before the restore; nil: nothing was kept.
  package var nvram: KeptNVRAM?
  /// The record that this one stands in for until the restore is whole; nil: there is none.
  package var former: FormerUndo?

  /// Makes a detail.
  package init(
    disks: [StagedDisk],
    seed: SeedChange,
    sharedBytes: Int64? = nil,
    isInPlace: Bool? = nil,
    isHalfDone: Bool? = nil,
    nvram: KeptNVRAM? = nil,
    former: FormerUndo? = nil
  ) {
    self.disks = disks
    self.seed = seed
    self.sharedBytes = sharedBytes
    self.isInPlace = isInPlace
    self.isHalfDone = isHalfDone
    self.nvram = nvram
    self.former = former
  }
}
