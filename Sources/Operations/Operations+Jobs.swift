import Catalog
package import Model

extension Operations {
  /// Accepts a backup: its row and its job in one transaction.
  package func createBackup(
    _ caller: Caller,
    of id: String,
    note: String? = nil
  ) throws(Refusal) -> Change<Job> {
    try caller.require(.backupVM)
    if let note, note.count > Limits.noteCharacters { throw .noteTooLong }
    return Change { transaction in
      let vps = try self.find(id, for: caller, transaction)
      guard vps.serviceStatus != .terminated else { throw Refusal.notFound }
      try GateRules.createBackup(self.facts(of: vps, for: caller, transaction))
      let (backup, job) = self.newBackup(of: vps, type: .manual, note: note)
      try transaction.insert(backup)
      try self.insert(job, transaction)
      try transaction.append(
        self.audit(caller, "backup.accept", vps.id.text, detail: backup.id.text)
      )
      return job
    }
  }

  /// A backup's row and its job, not yet stored.
  func newBackup(
    of vps: VPS,
    type: BackupType,
    note: String?,
    schedule: ScheduleID? = nil
  ) -> (Backup, Job) {
    let now = clock.now()
    let backup = Backup(
      id: identifiers.make(),
      clientID: vps.clientID,
      vpsID: vps.id,
      type: type,
      scheduleID: schedule,
      note: note,
      createdAt: now
    )
    let job = Job(
      id: identifiers.make(),
      clientID: vps.clientID,
      vpsID: vps.id,
      node: vps.node,
      task: .backup(BackupTask(backupID: backup.id)),
      createdAt: now
    )
    return (backup, job)
  }

  /// Marks a backup as gone; the worker that owns the datastore removes its files.
  package func deleteBackup(
    _ caller: Caller,
    _ backupID: String,
    of id: String? = nil
  ) async throws(Refusal) {
    try caller.require(.backupVM)
    try await write { transaction in
      let vps = try id.map { try self.find($0, for: caller, transaction) }
      guard let backupID = BackupID(backupID), var backup = try transaction.backup(backupID),
        backup.state == .complete || backup.state == .damaged,
        vps == nil || backup.vpsID == vps?.id
      else { throw Refusal.notFound }
      try caller.requireOwnership(of: backup.clientID)
      guard try transaction.holders(of: backup.id).isEmpty else { throw Refusal.backupInUse }
      backup.state = .deleting
      try transaction.update(backup)
      try transaction.append(self.audit(caller, "backup.delete", backup.id.text))
    }
  }

  /// Asks a job to end; it does until its swap begins.
  package func cancelJob(_ caller: Caller, _ id: String) -> Change<Job> {
    Change { transaction in
      let job = try self.findJob(id, for: caller, transaction)
      try caller.require(job.task.scope)
      return try self.cancel(job.id, by: caller, transaction)
    }
  }

  /// Accepts the undo of a restore.
  package func undoRestore(_ caller: Caller, _ id: String) throws(Refusal) -> Change<Job> {
    try caller.require(.backupVM)
    return Change { transaction in
      let restore = try self.findJob(id, for: caller, transaction)
      guard restore.task.kind == .restore else { throw Refusal.notFound }
      let now = self.clock.now()
      guard let vps = try transaction.vps(restore.vpsID), vps.serviceStatus != .terminated
      else { throw Refusal.notFound }
      let facts = try self.facts(of: vps, for: caller, transaction)
      try GateRules.noDataJob(facts)
      guard let record = try transaction.undo(of: vps.id), record.restoreJobID == restore.id,
        now < record.until
      else { throw Refusal.undoExpired }
      try GateRules.targetState(facts)
      let job = Job(
        id: self.identifiers.make(),
        clientID: vps.clientID,
        vpsID: vps.id,
        node: vps.node,
        task: .undo(UndoTask(restoreJobID: restore.id)),
        createdAt: now
      )
      try self.insert(job, transaction)
      try transaction.append(
        self.audit(caller, "restore.undo", vps.id.text, detail: restore.id.text)
      )
      return job
    }
  }

  /// Cancels within a transaction: at once when nobody works on it, else by asking the worker.
  func cancel(
    _ id: JobID,
    by caller: Caller,
    _ transaction: any CatalogTransaction
  ) throws -> Job {
    guard let job = try transaction.job(id) else { throw Refusal.notFound }
    let steps = try transaction.steps(of: id)
    guard !job.state.isFinal, !Self.isPastCancelling(job, steps) else {
      throw Refusal.jobNotCancellable
    }
    let failure = JobFailure(code: .jobCancelled, detail: "The job was cancelled before it began.")
    if steps.isEmpty, try transaction.cancelUnclaimed(id, failure: failure, at: clock.now()) {
      try transaction.releaseHolds(of: id)
      if case .backup(let task) = job.task { try transaction.deleteBackup(task.backupID) }
    } else {
      try transaction.requestCancel(id)
    }
    try transaction.append(audit(caller, "job.cancel", id.text))
    guard let cancelled = try transaction.job(id) else { throw Refusal.notFound }
    return cancelled
  }
}

extension Refusal {
  static let noteTooLong = Refusal.invalidRequest([
    Fault(
      pointer: "/note",
      code: .tooLong,
      detail: "`note` has at most \(Limits.noteCharacters) characters."
    )
  ])
}
