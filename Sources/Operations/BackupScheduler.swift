import Catalog
import Logging
import Model

/// Begins the backups of schedules whose turn has come.
///
/// Any number of processes may have one: a turn is taken by a conditional update, in the same
/// transaction that accepts the backup. A turn that nobody took in time, because nothing ran, is taken
/// late and once, however many were missed.
package struct BackupScheduler: Sendable {
  private let operations: Operations

  /// Makes a scheduler over the use cases.
  package init(_ operations: Operations) {
    self.operations = operations
  }

  /// Takes every turn that has come; what fails is tried again at the next call.
  package func takeTurns() async {
    let now = operations.clock.now()
    do throws(Refusal) {
      let due = try await operations.read {
        try $0.dueSchedules(at: now, limit: Limits.schedulesPerTurn)
      }
      for schedule in due { await takeTurn(of: schedule, at: now) }
    } catch {
      operations.logger.warning("schedules not looked at", metadata: ["code": "\(error.code)"])
    }
  }

  /// Takes one turn; what is wrong with one schedule must not keep the others from theirs.
  private func takeTurn(of schedule: BackupSchedule, at now: Timestamp) async {
    do throws(Refusal) {
      let taken = try await operations.write { transaction in
        try operations.takeTurn(of: schedule, at: now, transaction)
      }
      if let run = taken?.lastRun { log(run, of: schedule) }
    } catch {
      operations.logger.warning(
        "schedule's turn not taken",
        metadata: ["schedule.id": "\(schedule.id)", "code": "\(error.code)"]
      )
    }
  }

  private func log(_ run: ScheduleRun, of schedule: BackupSchedule) {
    var metadata: Logger.Metadata = [
      "schedule.id": "\(schedule.id)", "vps.id": "\(schedule.vpsID)",
      "outcome": "\(run.outcome.rawValue)",
    ]
    if let job = run.jobID { metadata["job.id"] = "\(job)" }
    if let code = run.code { metadata["code"] = "\(code)" }
    operations.logger.info("schedule's turn", metadata: metadata)
  }
}

extension Operations {
  /// Takes a schedule's turn, if it is still to be taken; nil when somebody else has.
  fileprivate func takeTurn(
    of due: BackupSchedule,
    at now: Timestamp,
    _ transaction: any CatalogTransaction
  ) throws -> BackupSchedule? {
    guard var schedule = try transaction.schedule(due.id), schedule.isEnabled,
      schedule.attemptAt == due.attemptAt, let vps = try transaction.vps(schedule.vpsID)
    else { return nil }
    if vps.serviceStatus == .terminated {
      // It will never be anything else, so nobody has to look again.
      schedule.isEnabled = false
    }
    var facts = try facts(of: vps, for: nil, transaction)
    facts.backupsUsed -= try Retention.surplus(after: schedule, transaction)
    let gate = Gate { [facts] () throws(Refusal) in try GateRules.createBackup(facts) }
    guard gate.allowed else {
      schedule.meet(gate, at: now)
      return try transaction.update(schedule, expectingAttemptAt: due.attemptAt) ? schedule : nil
    }
    let (backup, job) = newBackup(of: vps, type: .scheduled, note: nil, schedule: schedule.id)
    schedule.begin(job.id, at: now)
    guard try transaction.update(schedule, expectingAttemptAt: due.attemptAt) else { return nil }
    try transaction.insert(backup)
    try insert(job, transaction)
    try transaction.append(
      AuditEntry(
        at: now,
        actor: Retention.actor,
        action: "backup.accept",
        subject: vps.id.text,
        detail: backup.id.text
      )
    )
    return schedule
  }
}
