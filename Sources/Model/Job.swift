/// What a job does.
///
/// Stored: append only.
package enum JobKind: String, Sendable, Codable, CaseIterable {
  case backup, restore, undo, power
}

/// Which jobs exclude each other on one VPS.
///
/// Stored: append only.
package enum JobClass: String, Sendable, Codable, CaseIterable {
  case data, power
}

/// Where a job stands.
///
/// Stored: append only.
package enum JobState: String, Sendable, Codable, CaseIterable {
  /// No worker has it yet.
  case queued
  /// A worker has it.
  case running
  /// It waits to be tried again.
  case waiting
  /// It ended well.
  case completed
  /// It ended badly; its error says in which state the VPS is.
  case failed
  /// It was ended by its owner; the VPS is as it was.
  case cancelled

  /// Whether nothing more will happen to it.
  package var isFinal: Bool {
    switch self {
    case .queued, .running, .waiting: false
    case .completed, .failed, .cancelled: true
    }
  }
}

/// What a job was asked to do.
package enum JobTask: Sendable, Equatable, Codable {
  case backup(BackupTask)
  case restore(RestoreTask)
  case undo(UndoTask)
  case power(PowerTask)

  /// The task's kind as it is stored.
  package var kind: JobKind {
    switch self {
    case .backup: .backup
    case .restore: .restore
    case .undo: .undo
    case .power: .power
    }
  }

  /// Which jobs it excludes.
  package var jobClass: JobClass {
    switch self {
    case .backup, .restore, .undo: .data
    case .power: .power
    }
  }

  /// Whether it writes to the disks of its VPS; a backup only reads them.
  package var changesDisks: Bool {
    switch self {
    case .restore, .undo: true
    case .backup, .power: false
    }
  }

  /// What a key must allow to ask for it, or to end it.
  package var scope: Scope {
    switch self {
    case .backup, .restore, .undo: .backupVM
    case .power: .powerVM
    }
  }

  /// Whether taking it back needs the backup that it put on: the undo of an in-place restore takes
  /// from there what wasn't written over.
  package var isUndoneFromBackup: Bool {
    guard case .restore(let task) = self else { return false }
    return task.strategy == .inPlace
  }
}

/// Make a backup of the job's VPS.
package struct BackupTask: Sendable, Equatable, Codable {
  /// The backup's row, made together with the job.
  package var backupID: BackupID

  /// Makes a task.
  package init(backupID: BackupID) {
    self.backupID = backupID
  }
}

/// How a target gets its new disk.
///
/// Stored and in the configuration: append only.
package enum RestoreStrategy: String, Sendable, Codable, CaseIterable {
  case staged
  case inPlace = "in-place"
}

/// Put a backup onto the job's VPS.
package struct RestoreTask: Sendable, Equatable, Codable {
  /// The VPS that the backup was made of.
  package var sourceVPSID: VPSID
  /// The backup.
  package var backupID: BackupID
  /// How the disk gets there.
  package var strategy: RestoreStrategy
  /// Whether to start the target even when it was off.
  package var startsWhenOff: Bool

  /// Makes a task.
  package init(
    sourceVPSID: VPSID,
    backupID: BackupID,
    strategy: RestoreStrategy = .staged,
    startsWhenOff: Bool = false
  ) {
    self.sourceVPSID = sourceVPSID
    self.backupID = backupID
    self.strategy = strategy
    self.startsWhenOff = startsWhenOff
  }
}

/// Take a restore back: the job's VPS gets its former disk and seed again.
package struct UndoTask: Sendable, Equatable, Codable {
  /// The restore to take back.
  package var restoreJobID: JobID

  /// Makes a task.
  package init(restoreJobID: JobID) {
    self.restoreJobID = restoreJobID
  }
}

/// How far a job has come.
package struct JobProgress: Sendable, Equatable, Codable {
  /// The step it is in, such as `stage`.
  package var step: String
  /// Bytes of this step that are done.
  package var bytesDone: Int64
  /// Bytes that this step has in all; 0 when it has none.
  package var bytesTotal: Int64
  /// Bytes per second, lately.
  package var bytesPerSecond: Int64
  /// 0…100 over the whole job; never goes back while the job runs.
  package var percent: Int
  /// One sentence for people.
  package var message: String

  /// Makes a progress report.
  package init(
    step: String = "queued",
    bytesDone: Int64 = 0,
    bytesTotal: Int64 = 0,
    bytesPerSecond: Int64 = 0,
    percent: Int = 0,
    message: String = ""
  ) {
    self.step = step
    self.bytesDone = bytesDone
    self.bytesTotal = bytesTotal
    self.bytesPerSecond = bytesPerSecond
    self.percent = percent
    self.message = message
  }
}

/// One unit of durable work.
package struct Job: Sendable, Equatable, Codable {
  /// The public identifier.
  package var id: JobID
  /// Whose it is.
  package var clientID: ClientID
  /// The VPS whose disks or power it changes or reads.
  package var vpsID: VPSID
  /// The node whose worker does it.
  package var node: String
  /// What it does.
  package var task: JobTask
  /// Where it stands.
  package var state: JobState
  /// How often a worker has taken it up.
  package var attempts: Int
  /// How far it has come.
  package var progress: JobProgress
  /// What came of it; only of a completed job.
  package var result: JobResult?
  /// What went wrong; of a failed or cancelled job, or the last attempt of a waiting one.
  package var failure: JobFailure?
  /// Whether its owner wants it to end.
  package var isCancelRequested: Bool
  /// Whether an operator must look at what it left before anything is done with the disks of its
  /// VPS again.
  package var needsOperator: Bool
  /// How much of its host it may take.
  package var limits: JobLimits
  /// When it was accepted.
  package var createdAt: Timestamp
  /// When a worker first took it up.
  package var startedAt: Timestamp?
  /// When it came to its final state.
  package var finishedAt: Timestamp?

  /// Makes a job's record.
  package init(
    id: JobID,
    clientID: ClientID,
    vpsID: VPSID,
    node: String,
    task: JobTask,
    state: JobState = .queued,
    attempts: Int = 0,
    progress: JobProgress = JobProgress(),
    result: JobResult? = nil,
    failure: JobFailure? = nil,
    isCancelRequested: Bool = false,
    needsOperator: Bool = false,
    limits: JobLimits = JobLimits(),
    createdAt: Timestamp,
    startedAt: Timestamp? = nil,
    finishedAt: Timestamp? = nil
  ) {
    self.id = id
    self.clientID = clientID
    self.vpsID = vpsID
    self.node = node
    self.task = task
    self.state = state
    self.attempts = attempts
    self.progress = progress
    self.result = result
    self.failure = failure
    self.isCancelRequested = isCancelRequested
    self.needsOperator = needsOperator
    self.limits = limits
    self.createdAt = createdAt
    self.startedAt = startedAt
    self.finishedAt = finishedAt
  }
}
