import Model

/// What came of a job, in the shape of its kind.
struct JobResultWire: Encodable {
  private let result: JobResult

  init(_ result: JobResult) {
    self.result = result
  }

  func encode(to encoder: any Encoder) throws {
    switch result {
    case .backup(let result): try BackupResultWire(result).encode(to: encoder)
    case .restore(let result): try RestoreResultWire(result).encode(to: encoder)
    case .undo(let result): try UndoResultWire(result).encode(to: encoder)
    case .power(let result): try PowerResultWire(result).encode(to: encoder)
    }
  }
}

/// What a backup did.
private struct BackupResultWire: Encodable {
  let backupId: String
  let sizeGb: Double
  let sizeBytes: Int64
  let bytesRead: Int64
  let bytesWritten: Int64
  let bytesReused: Int64
  let frozen: Bool
  let frozenMilliseconds: Int64
  let incremental: Bool
  let fullReason: FullReadReason?

  init(_ result: BackupResult) {
    backupId = result.backupID.text
    sizeGb = Sizes.gb(result.sizeBytes)
    sizeBytes = result.sizeBytes
    bytesRead = result.bytesRead
    bytesWritten = result.bytesWritten
    bytesReused = result.bytesReused
    frozen = result.frozen
    frozenMilliseconds = result.frozenMilliseconds
    incremental = result.incremental
    fullReason = result.fullReason
  }
}

/// What a restore did.
private struct RestoreResultWire: Encodable {
  let targetVpsId: String
  let sourceVpsId: String
  let backupId: String
  let strategy: RestoreStrategy
  let bytesRead: Int64
  let bytesWritten: Int64
  let bytesReused: Int64
  let downtimeMilliseconds: Int64
  let downtime: DowntimeWire
  let network: NetworkWire
  let verified: Bool
  let undoUntil: String
  let notes: [String]

  init(_ result: RestoreResult) {
    targetVpsId = result.targetVPSID.text
    sourceVpsId = result.sourceVPSID.text
    backupId = result.backupID.text
    strategy = result.strategy
    bytesRead = result.bytesRead
    bytesWritten = result.bytesWritten
    bytesReused = result.bytesReused
    downtimeMilliseconds = result.downtime.totalMilliseconds
    downtime = DowntimeWire(result.downtime)
    network = NetworkWire(result.network)
    verified = result.verified
    undoUntil = result.undoUntil.text
    notes = result.notes
  }
}

/// What an undo did.
private struct UndoResultWire: Encodable {
  let targetVpsId: String
  let restoreJobId: String
  let downtimeMilliseconds: Int64
  let downtime: DowntimeWire
  let network: NetworkWire
  let note: String

  init(_ result: UndoResult) {
    targetVpsId = result.targetVPSID.text
    restoreJobId = result.restoreJobID.text
    downtimeMilliseconds = result.downtime.totalMilliseconds
    downtime = DowntimeWire(result.downtime)
    network = NetworkWire(result.network)
    note = result.note
  }
}

/// What a power action did.
private struct PowerResultWire: Encodable {
  let action: PowerAction
  let powerState: PowerState
  let forced: Bool
  let durationMilliseconds: Int64

  init(_ result: PowerResult) {
    action = result.action
    powerState = result.powerState
    forced = result.wasForced
    durationMilliseconds = result.milliseconds
  }
}

/// The parts of a downtime in milliseconds.
private struct DowntimeWire: Encodable {
  let shutdown: Int64
  let exchange: Int64
  let start: Int64

  init(_ downtime: Downtime) {
    shutdown = downtime.shutdownMilliseconds
    exchange = downtime.exchangeMilliseconds
    start = downtime.startMilliseconds
  }
}

/// What is known of a network after a job.
private struct NetworkWire: Encodable {
  let reapplied: Bool
  let confirmed: Bool
  let confirmedReason: UnconfirmedReason?
  let addresses: [String]

  init(_ network: NetworkOutcome) {
    reapplied = network.reapplied
    confirmed = network.confirmed
    confirmedReason = network.confirmedReason
    addresses = network.addresses
  }
}
