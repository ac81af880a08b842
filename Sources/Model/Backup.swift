/// How far a backup's own life has come.
///
/// Stored: append only.
package enum BackupState: String, Sendable, Codable, CaseIterable {
  /// Being written: not offered, not counted as done.
  case creating
  /// Whole and offered.
  case complete
  /// A chunk, index or manifest of it was found bad: kept, not offered.
  case damaged
  /// Being removed.
  case deleting

  /// The states of backups that count against a VPS's limit: one that is being made does, so that
  /// many at once can't pass it.
  package static let countedAgainstLimit: Set<BackupState> = [.creating, .complete, .damaged]
}

/// Who asked for a backup.
///
/// Stored and on the wire: append only.
package enum BackupType: String, Sendable, Codable, CaseIterable {
  case manual, scheduled
}

/// One disk within a backup.
package struct BackupDisk: Sendable, Equatable, Codable {
  /// The source's device name, such as `vda`.
  package var device: String
  /// The bus it was on.
  package var bus: String
  /// The index in the snapshot, such as `drive-virtio0.img.fidx`.
  package var archive: String
  /// The size that the guest saw.
  package var sizeBytes: Int64
  /// How much of it isn't zero, in whole chunks: what a restore has to write.
  package var nonZeroBytes: Int64
  /// The guest's logical block size.
  package var logicalBlockSize: Int
  /// The device's place in the boot order; nil when none was set.
  package var bootOrder: Int?

  /// Makes a disk's facts.
  package init(
    device: String,
    bus: String,
    archive: String,
    sizeBytes: Int64,
    nonZeroBytes: Int64,
    logicalBlockSize: Int = 512,
    bootOrder: Int? = nil
  ) {
    self.device = device
    self.bus = bus
    self.archive = archive
    self.sizeBytes = sizeBytes
    self.nonZeroBytes = nonZeroBytes
    self.logicalBlockSize = logicalBlockSize
    self.bootOrder = bootOrder
  }
}

/// What a backup holds, known when it is complete.
package struct BackupContents: Sendable, Equatable, Codable {
  /// The disks in the order of the source's XML.
  package var disks: [BackupDisk]
  /// What the source booted with.
  package var firmware: Firmware
  /// Whether the source kept the state of a TPM.
  package var hasTPM: Bool
  /// Whether file systems were frozen at the moment it shows.
  package var isFrozen: Bool

  /// Makes a backup's contents.
  package init(disks: [BackupDisk], firmware: Firmware, hasTPM: Bool, isFrozen: Bool) {
    self.disks = disks
    self.firmware = firmware
    self.hasTPM = hasTPM
    self.isFrozen = isFrozen
  }

  /// The size of all disks as the guest saw them.
  package var sizeBytes: Int64 { disks.reduce(0) { $0 + $1.sizeBytes } }
  /// What a restore of all disks has to write.
  package var nonZeroBytes: Int64 { disks.reduce(0) { $0 + $1.nonZeroBytes } }
}

/// One PBS snapshot of a VPS as the catalog knows it.
package struct Backup: Sendable, Equatable, Codable {
  /// The public identifier.
  package var id: BackupID
  /// Whose it is; unchangeable, also when the VPS is gone.
  package var clientID: ClientID
  /// The VPS it was made of.
  package var vpsID: VPSID
  /// How far it has come.
  package var state: BackupState
  /// Who asked for it.
  package var type: BackupType
  /// The schedule that it is of; nil for a manual one, and when the schedule was removed.
  package var scheduleID: ScheduleID?
  /// The client's own words; nil: none.
  package var note: String?
  /// When it was asked for.
  package var createdAt: Timestamp
  /// The snapshot's path below the datastore's root; nil until the snapshot is begun.
  package var snapshotPath: String?
  /// What it holds; nil until it is complete.
  package var contents: BackupContents?
  /// When retention will remove it; nil: never.
  package var expiresAt: Timestamp?
  /// When every byte of it was last read and judged, which only a verification changes; nil: not yet.
  package var verifiedAt: Timestamp?

  /// Makes a backup's record.
  package init(
    id: BackupID,
    clientID: ClientID,
    vpsID: VPSID,
    state: BackupState = .creating,
    type: BackupType,
    scheduleID: ScheduleID? = nil,
    note: String? = nil,
    createdAt: Timestamp,
    snapshotPath: String? = nil,
    contents: BackupContents? = nil,
    expiresAt: Timestamp? = nil,
    verifiedAt: Timestamp? = nil
  ) {
    self.id = id
    self.clientID = clientID
    self.vpsID = vpsID
    self.state = state
    self.type = type
    self.scheduleID = scheduleID
    self.note = note
    self.createdAt = createdAt
    self.snapshotPath = snapshotPath
    self.contents = contents
    self.expiresAt = expiresAt
    self.verifiedAt = verifiedAt
  }

  /// Whether it may be offered for a restore at a moment.
  package func isRestorable(at time: Timestamp) -> Bool {
    guard state == .complete, contents != nil, snapshotPath != nil else { return false }
    guard let expiresAt else { return true }
    return time < expiresAt
  }

  /// `vm/<vpsId>/<time>`, the name clients see.
  package var storageKey: String {
    "vm/\(vpsID)/\(Timestamp(seconds: createdAt.seconds).text.replacing(".000Z", with: "Z"))"
  }

  /// `<createdAt> (<storageKey>)`.
  package var displayID: String { "\(createdAt.text) (\(storageKey))" }
}
