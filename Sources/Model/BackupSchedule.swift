/// What came of a schedule's turn.
///
/// Stored and on the wire: append only.
package enum ScheduleOutcome: String, Sendable, Codable {
  /// A backup was begun; its job tells the rest.
  case started
  /// The gate was closed; it is tried again while the hour lasts.
  case postponed
  /// The gate stayed closed for the hour; the next turn is the next regular one.
  case skipped
}

/// The last turn of a schedule.
package struct ScheduleRun: Sendable, Equatable, Codable {
  /// When it was due.
  package var dueAt: Timestamp
  /// When it was tried last.
  package var at: Timestamp
  /// What came of it.
  package var outcome: ScheduleOutcome
  /// The backup's job, if one was begun.
  package var jobID: JobID?
  /// The gate's code, if it was closed.
  package var code: String?
  /// The gate's sentence, if it was closed.
  package var reason: String?

  /// Makes a turn's record.
  package init(
    dueAt: Timestamp,
    at: Timestamp,
    outcome: ScheduleOutcome,
    jobID: JobID? = nil,
    code: String? = nil,
    reason: String? = nil
  ) {
    self.dueAt = dueAt
    self.at = at
    self.outcome = outcome
    self.jobID = jobID
    self.code = code
    self.reason = reason
  }
}

/// Backups of a VPS that are made by themselves, and how many of them are kept.
package struct BackupSchedule: Sendable, Equatable {
  /// The public identifier.
  package var id: ScheduleID
  /// Whose it is.
  package var clientID: ClientID
  /// The VPS that backups are made of.
  package var vpsID: VPSID
  /// The client's own name for it; nil: none.
  package var name: String?
  /// When it runs.
  package var timing: ScheduleTiming
  /// How many complete backups of it are kept.
  package var retentionCount: Int
  /// Whether it runs at all.
  package var isEnabled: Bool
  /// When it was made.
  package var createdAt: Timestamp
  /// When its next turn is, or the turn that it is still trying.
  package var dueAt: Timestamp
  /// When to try next; later than `dueAt` once the gate was closed.
  package var attemptAt: Timestamp
  /// Until when a turn that met a closed gate is tried again; nil: it hasn't.
  package var giveUpAt: Timestamp?
  /// Its last turn; nil: it had none.
  package var lastRun: ScheduleRun?

  /// Makes a schedule whose first turn is the next regular one.
  package init(
    id: ScheduleID,
    clientID: ClientID,
    vpsID: VPSID,
    name: String?,
    timing: ScheduleTiming,
    retentionCount: Int,
    isEnabled: Bool,
    createdAt: Timestamp
  ) {
    self.id = id
    self.clientID = clientID
    self.vpsID = vpsID
    self.name = name
    self.timing = timing
    self.retentionCount = retentionCount
    self.isEnabled = isEnabled
    self.createdAt = createdAt
    dueAt = timing.next(after: createdAt)
    attemptAt = dueAt
  }

  /// Waits for the next regular turn after a moment; turns in between count as none.
  package mutating func awaitTurn(after time: Timestamp) {
    dueAt = timing.next(after: time)
    attemptAt = dueAt
    giveUpAt = nil
  }

  /// A turn came to a closed gate: tries again a while, then waits for the next regular turn.
  package mutating func meet(_ gate: Gate, at now: Timestamp) {
    let end = giveUpAt ?? now.advanced(by: Limits.schedulePatience)
    let next = now.advanced(by: Limits.scheduleRetry)
    var run = ScheduleRun(
      dueAt: dueAt,
      at: now,
      outcome: .postponed,
      code: gate.code,
      reason: gate.reason
    )
    if next < end {
      giveUpAt = end
      attemptAt = next
    } else {
      run.outcome = .skipped
      awaitTurn(after: now)
    }
    lastRun = run
  }

  /// A turn began a backup.
  package mutating func begin(_ job: JobID, at now: Timestamp) {
    lastRun = ScheduleRun(dueAt: dueAt, at: now, outcome: .started, jobID: job)
    awaitTurn(after: now)
  }
}
