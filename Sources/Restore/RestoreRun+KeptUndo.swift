import Catalog
import Jobs
import Model
import Operations

// The undo record of disks that are being written over. Before the first byte is, and as long as a
// disk may be a mix, it has no end: logs and backup are all there is of the other half. It is changed
// under the lease: whoever was overtaken knows nothing of it any more.

extension RestoreRun {
  /// Stores, before a disk is written over, what it takes to put it back; nothing removes that until
  /// the disks are whole again.
  func keepUndo() async throws(StepStop) {
    switch job.task {
    case .restore: try await keepOwnUndo()
    case .undo(let task): try await keepUndo(of: task.restoreJobID)
    case .backup, .power: throw .because(.internalError, "The job isn't a restore.")
    }
  }

  private func keepOwnUndo() async throws(StepStop) {
    guard let stage = journal.stage, let stop = journal.stop else {
      throw .operatorNeeded("The journal doesn't name the disks.")
    }
    let (id, job) = (job.vpsID, job.id)
    let detail = UndoDetail(
      disks: stage.disks,
      seed: stop.seed,
      isInPlace: true,
      isHalfDone: true,
      nvram: journal.nvram
    )
    try await fromJournal { () async throws(JobInterruption) in
      try await context.change { transaction in
        let former = try transaction.undo(of: id)
        // An earlier attempt has stored it.
        if former?.restoreJobID == job { return }
        var detail = detail
        detail.former = former.map(FormerUndo.init)
        try transaction.replace(
          UndoRecord(
            vpsID: id,
            restoreJobID: job,
            until: .never,
            detail: JournalText.of(detail),
            sizeBytes: 0
          )
        )
      }
    }
  }

  private func keepUndo(of restore: JobID) async throws(StepStop) {
    let id = job.vpsID
    let isThere = try await fromJournal { () async throws(JobInterruption) in
      try await context.change { transaction -> Bool in
        guard var record = try transaction.undo(of: id), record.restoreJobID == restore else {
          return false
        }
        record.until = .never
        try transaction.replace(record)
        return true
      }
    }
    guard isThere else { throw StepStop(Refusal.undoExpired) }
  }

  /// Says that this restore has written its disks over to the end: what isn't in the logs is as in
  /// the backup from here.
  func completeUndo() async throws(StepStop) {
    try await changeOwnUndo { $0.isHalfDone = nil }
  }

  /// Removes the undo that this restore's has stood in for; the new one is whole.
  func dropReplacedUndo() async throws(StepStop) {
    let id = job.vpsID
    let found = try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { try $0.undo(of: id) }
    }
    guard let found, found.restoreJobID == job.id,
      let detail: UndoDetail = RestoreJournal.decode(found.detail), let former = detail.former
    else { return }
    try await undoCleaner.drop(former.record(of: id))
    try await changeOwnUndo { $0.former = nil }
  }

  /// Ends the record of a restore that is taken back; the one that it stood in for counts again.
  func endUndo(of restore: JobID) async throws(StepStop) {
    let id = job.vpsID
    try await fromJournal { () async throws(JobInterruption) in
      try await context.change { transaction in
        guard let record = try transaction.undo(of: id), record.restoreJobID == restore else {
          return
        }
        try transaction.deleteUndo(of: id)
        let detail: UndoDetail? = RestoreJournal.decode(record.detail)
        if let former = detail?.former { try transaction.insert(former.record(of: id)) }
      }
    }
  }

  private func changeOwnUndo(
    _ change: @escaping @Sendable (inout UndoDetail) -> Void
  ) async throws(StepStop) {
    let (id, job) = (job.vpsID, job.id)
    try await fromJournal { () async throws(JobInterruption) in
      try await context.change { transaction in
        guard let record = try transaction.undo(of: id), record.restoreJobID == job,
          var detail: UndoDetail = RestoreJournal.decode(record.detail)
        else { return }
        change(&detail)
        try transaction.replace(record.with(detail))
      }
    }
  }
}

extension CatalogTransaction {
  /// Stores an undo record in place of the VPS's one, if it has one.
  func replace(_ record: UndoRecord) throws(CatalogError) {
    try deleteUndo(of: record.vpsID)
    try insert(record)
  }
}
