import Catalog
import Disks
import Jobs
import Model
import Operations

extension RestoreRun {
  /// What the undone restore has kept.
  func undoDetail() throws(StepStop) -> UndoDetail {
    guard let undo = undoRecord, let detail: UndoDetail = RestoreJournal.decode(undo.detail) else {
      throw StepStop(Refusal.undoExpired)
    }
    return detail
  }

  /// An undo's disks are the restore's, the other way round.
  func recordUndoDisks() async throws(StepStop) {
    guard case .undo(let task) = job.task else {
      throw .because(.internalError, "The job isn't an undo.")
    }
    let id = job.vpsID
    let found = try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { try $0.undo(of: id) }
    }
    guard let found, found.restoreJobID == task.restoreJobID else {
      throw StepStop(Refusal.undoExpired)
    }
    undoRecord = found
    let detail = try undoDetail()
    try await record(
      .stage,
      .begun,
      StageRecord(
        disks: detail.disks,
        stampJobID: task.restoreJobID.text,
        isInPlace: detail.isInPlace,
        isHalfDone: detail.isHalfDone,
        nvram: detail.nvram
      )
    )
  }

  /// After an undo the restored disk and its seed are of no use to anyone.
  func discardRestoredDisks() async throws(StepStop) {
    if isInPlace {
      try await removeLogs()
    } else {
      for pair in try pairs() {
        _ = try await fromDisks { () async throws(DiskError) in
          try await Stage.discard(pair.staged, expecting: pair.new)
        }
      }
    }
    try await removeKeptNVRAM()
    try await removeFormerNVRAM()
    guard let stamp = journal.stage?.stampJobID else { return }
    try await removeSeed("\(parts.settings.seedsDirectory)/\(job.vpsID)/\(stamp).iso")
  }

  /// Removes what an older restore of this target has kept.
  func dropFormerUndo() async throws(StepStop) {
    let id = job.vpsID
    let found = try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { try $0.undo(of: id) }
    }
    // Its own, where another worker has ended the job, is no former one.
    guard let found, found.restoreJobID != job.id else { return }
    try await requireUnused(found)
    try await confirmLease()
    let ended = try await ended(found)
    // Behind the wait: the job may have become another worker's, and the target have a new undo.
    try await confirmLease()
    try await undoCleaner.drop(ended)
  }

  /// Refuses to go on while somebody reads a former disk: it couldn't be removed, and would be promised no
  /// more for nothing.
  private func requireUnused(_ record: UndoRecord) async throws(StepStop) {
    guard let detail: UndoDetail = RestoreJournal.decode(record.detail), detail.isInPlace != true
    else { return }
    for disk in detail.disks {
      try await fromDisks { () async throws(DiskError) in
        do throws(DiskError) {
          try await ImageLock.exclusive([disk.stagedPath]).release()
        } catch .notFound {
          return
        }
      }
    }
  }

  /// Ends what was promised before the first file goes: what is half removed takes nothing back.
  private func ended(_ record: UndoRecord) async throws(StepStop) -> UndoRecord {
    var record = record
    record.until = min(record.until, parts.clock.now())
    let ended = record
    try await fromJournal { () async throws(JobInterruption) in
      try await context.change { transaction in
        guard try transaction.undo(of: ended.vpsID)?.restoreJobID == ended.restoreJobID
        else { return }
        try transaction.deleteUndo(of: ended.vpsID)
        try transaction.insert(ended)
      }
    }
    return ended
  }

  /// What removes the files of undos that nobody needs any more.
  var undoCleaner: UndoCleaner {
    UndoCleaner(
      catalog: parts.catalog,
      seedsDirectory: parts.settings.seedsDirectory,
      logger: parts.logger
    )
  }
}
