/// What came of a completed job.
package enum JobResult: Sendable, Equatable, Codable {
  case backup(BackupResult)
  case restore(RestoreResult)
  case undo(UndoResult)
  case power(PowerResult)
}

/// What a backup did.
package struct BackupResult: Sendable, Equatable, Codable {
  /// The backup that is now complete.
  package var backupID: BackupID
  /// The size of all disks.
  package var sizeBytes: Int64
  /// Bytes read from the disks.
  package var bytesRead: Int64
  /// Bytes newly written to the datastore.
  package var bytesWritten: Int64
  /// Bytes that the VPS's newest backup held already, that the backup holds twice, or that are zero.
  package var bytesReused: Int64
  /// Whether the guest's file systems were frozen at the moment it shows.
  package var frozen: Bool
  /// How long they were frozen.
  package var frozenMilliseconds: Int64
  /// Whether a record of changes spared reading what an earlier backup holds.
  package var incremental: Bool
  /// Why it wasn't incremental; nil when it was, and in results of older versions.
  package var fullReason: FullReadReason?

  /// Makes a result.
  package init(
    backupID: BackupID,
    sizeBytes: Int64,
    bytesRead: Int64,
    bytesWritten: Int64,
    bytesReused: Int64,
    frozen: Bool,
    frozenMilliseconds: Int64,
    incremental: Bool = false,
    fullReason: FullReadReason? = nil
  ) {
    self.backupID = backupID
    self.sizeBytes = sizeBytes
    self.bytesRead = bytesRead
    self.bytesWritten = bytesWritten
    self.bytesReused = bytesReused
    self.frozen = frozen
    self.frozenMilliseconds = frozenMilliseconds
    self.incremental = incremental
    self.fullReason = fullReason
  }

  /// Reads a stored result; those of older versions say nothing of increments.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    backupID = try container.decode(BackupID.self, forKey: .backupID)
    sizeBytes = try container.decode(Int64.self, forKey: .sizeBytes)
    bytesRead = try container.decode(Int64.self, forKey: .bytesRead)
    bytesWritten = try container.decode(Int64.self, forKey: .bytesWritten)
    bytesReused = try container.decode(Int64.self, forKey: .bytesReused)
    frozen = try container.decode(Bool.self, forKey: .frozen)
    frozenMilliseconds = try container.decode(Int64.self, forKey: .frozenMilliseconds)
    incremental = try container.decodeIfPresent(Bool.self, forKey: .incremental) ?? false
    fullReason = try container.decodeIfPresent(FullReadReason.self, forKey: .fullReason)
  }
}

/// How long a target was down, in parts.
package struct Downtime: Sendable, Equatable, Codable {
  /// From the request to shut down until it was off.
  package var shutdownMilliseconds: Int64
  /// From then until disks and seed were exchanged.
  package var exchangeMilliseconds: Int64
  /// From then until libvirt had started it.
  package var startMilliseconds: Int64

  /// Makes a downtime.
  package init(
    shutdownMilliseconds: Int64 = 0,
    exchangeMilliseconds: Int64 = 0,
    startMilliseconds: Int64 = 0
  ) {
    self.shutdownMilliseconds = shutdownMilliseconds
    self.exchangeMilliseconds = exchangeMilliseconds
    self.startMilliseconds = startMilliseconds
  }

  /// All of it.
  package var totalMilliseconds: Int64 {
    shutdownMilliseconds + exchangeMilliseconds + startMilliseconds
  }
}

/// Why a network wasn't confirmed.
///
/// Stored and on the wire: append only.
package enum UnconfirmedReason: String, Sendable, Codable {
  case noAgent = "no_agent"
  case targetOff = "target_off"
  case timeout
  case mismatch
  case foreignAddress = "foreign_address"
}

/// What is known of a target's network after a restore.
package struct NetworkOutcome: Sendable, Equatable, Codable {
  /// Whether the seed with the target's own configuration is attached.
  package var reapplied: Bool
  /// Whether the guest itself showed every address it should have.
  package var confirmed: Bool
  /// Why it isn't confirmed; nil when it is.
  package var confirmedReason: UnconfirmedReason?
  /// The addresses that the guest showed.
  package var addresses: [String]

  /// Makes an outcome.
  package init(
    reapplied: Bool,
    confirmed: Bool,
    confirmedReason: UnconfirmedReason?,
    addresses: [String]
  ) {
    self.reapplied = reapplied
    self.confirmed = confirmed
    self.confirmedReason = confirmedReason
    self.addresses = addresses
  }
}

/// What a restore did.
package struct RestoreResult: Sendable, Equatable, Codable {
  /// The VPS that got the backup.
  package var targetVPSID: VPSID
  /// The VPS that the backup was made of.
  package var sourceVPSID: VPSID
  /// The backup.
  package var backupID: BackupID
  /// How the disk got there.
  package var strategy: RestoreStrategy
  /// Bytes read from the datastore, decoded.
  package var bytesRead: Int64
  /// Bytes written to staged disks.
  package var bytesWritten: Int64
  /// Bytes that needed no writing: zero, or there already.
  package var bytesReused: Int64
  /// Bytes of the target's own disks that were read to see whether they need writing; nil in the
  /// results of versions that never looked.
  package var bytesCompared: Int64?
  /// How long the target was down.
  package var downtime: Downtime
  /// What is known of its network.
  package var network: NetworkOutcome
  /// Whether everything that was written was read back from the disk and compared.
  package var verified: Bool
  /// Until when it can be taken back.
  package var undoUntil: Timestamp
  /// What the operator or the client should know, one sentence each.
  package var notes: [String]

  /// Makes a result.
  package init(
    targetVPSID: VPSID,
    sourceVPSID: VPSID,
    backupID: BackupID,
    strategy: RestoreStrategy,
    bytesRead: Int64,
    bytesWritten: Int64,
    bytesReused: Int64,
    bytesCompared: Int64? = nil,
    downtime: Downtime,
    network: NetworkOutcome,
    verified: Bool,
    undoUntil: Timestamp,
    notes: [String] = []
  ) {
    self.targetVPSID = targetVPSID
    self.sourceVPSID = sourceVPSID
    self.backupID = backupID
    self.strategy = strategy
    self.bytesRead = bytesRead
    self.bytesWritten = bytesWritten
    self.bytesReused = bytesReused
    self.bytesCompared = bytesCompared
    self.downtime = downtime
    self.network = network
    self.verified = verified
    self.undoUntil = undoUntil
    self.notes = notes
  }
}

/// What an undo did.
package struct UndoResult: Sendable, Equatable, Codable {
  /// The VPS that has its former disk again.
  package var targetVPSID: VPSID
  /// The restore that was taken back.
  package var restoreJobID: JobID
  /// How long the target was down.
  package var downtime: Downtime
  /// What is known of its network.
  package var network: NetworkOutcome
  /// What was lost by it, in one sentence.
  package var note: String

  /// Makes a result.
  package init(
    targetVPSID: VPSID,
    restoreJobID: JobID,
    downtime: Downtime,
    network: NetworkOutcome,
    note: String
  ) {
    self.targetVPSID = targetVPSID
    self.restoreJobID = restoreJobID
    self.downtime = downtime
    self.network = network
    self.note = note
  }
}
