import Catalog
import Disks
import Foundation
import Hypervisor
import Jobs
import Logging
import Model
import Operations

extension RestoreRun {
  /// The last effects of a good run; its rows are written together with the job's result.
  func finish() async throws(StepStop) {
    releaseLock()
    try await confirmLease()
    if let stop = journal.stop { try await restoreAutostart(stop) }
    for pair in try pairs() {
      do throws(HypervisorError) {
        try await parts.hypervisor.refreshPool(containing: pair.current)
      } catch {
        parts.logger.notice(
          "storage pool not refreshed",
          metadata: ["job.id": "\(job.id)", "error": "\(error)"]
        )
      }
    }
    let id = job.vpsID
    switch job.task {
    case .undo(let task):
      // The record goes first: with its files gone it would lead a cleaner to live ones.
      try await endUndo(of: task.restoreJobID)
      try await discardWhatIsLeft()
    case .restore where isInPlace:
      try await insistently("replaced undo") { () async throws(StepStop) in
        try await dropReplacedUndo()
        try await removeKeptNVRAM(except: journal.nvram)
      }
    case .restore:
      try await insistently("kept NVRAM") { () async throws(StepStop) in
        try await removeKeptNVRAM(except: journal.nvram)
      }
    case .backup, .power: break
    }
    let seen = try await observeTarget()
    try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.write { try $0.setObservation(seen, of: id) }
    }
  }

  func discardWhatIsLeft() async throws(StepStop) {
    try await insistently("restored disk") { () async throws(StepStop) in
      try await discardRestoredDisks()
    }
  }

  /// The result, and what is stored with it in one transaction.
  func completed() async -> JobOutcome {
    do throws(StepStop) {
      switch job.task {
      case .restore(let task): return try await restored(task)
      case .undo(let task): return try undone(task)
      case .backup, .power: throw .because(.internalError, "The job isn't a restore.")
      }
    } catch {
      guard case .failure(let failure) = error else { return .leaseLost }
      return .failed(failure, also: { _ in })
    }
  }

  private func restored(_ task: RestoreTask) async throws(StepStop) -> JobOutcome {
    guard let stage = journal.stage, let stop = journal.stop else {
      throw .operatorNeeded("The journal doesn't name the disks.")
    }
    let until = parts.clock.now().advanced(by: parts.settings.undoWindow)
    let size = await undoBytes(of: stage.disks)
    let counts = journal.staged ?? StagedRecord()
    let record = UndoRecord(
      vpsID: job.vpsID,
      restoreJobID: job.id,
      until: until,
      detail: undoDetail(stage, stop),
      sizeBytes: size
    )
    let result = RestoreResult(
      targetVPSID: job.vpsID,
      sourceVPSID: task.sourceVPSID,
      backupID: task.backupID,
      strategy: task.strategy,
      bytesRead: counts.bytesRead,
      bytesWritten: counts.bytesWritten,
      bytesReused: counts.bytesReused + counts.bytesZeroed,
      bytesCompared: counts.bytesCompared,
      downtime: stop.wasRunning ? journal.downtime : Downtime(),
      network: network,
      verified: counts.isReadBack,
      undoUntil: until,
      notes: journal.confirm?.notes ?? []
    )
    return .completed(.restore(result)) { try $0.replaceOwn(record) }
  }

  /// Host space that the former disks take; told for information, so an error counts as none.
  private func undoBytes(of disks: [StagedDisk]) async -> Int64 {
    var size: Int64 = 0
    for disk in disks {
      do throws(DiskError) {
        size += try await DiskImage.allocatedBytes(disk.stagedPath)
      } catch {
        parts.logger.warning(
          "former disk not measured",
          metadata: ["job.id": "\(job.id)", "error": "\(error)"]
        )
      }
    }
    return size
  }

  private func undone(_ task: UndoTask) throws(StepStop) -> JobOutcome {
    let id = job.vpsID
    let result = UndoResult(
      targetVPSID: id,
      restoreJobID: task.restoreJobID,
      downtime: journal.stop?.wasRunning == true ? journal.downtime : Downtime(),
      network: network,
      note: (["What was written to the target since the restore is lost."]
        + (journal.confirm?.notes ?? [])).joined(separator: " ")
    )
    let isInPlace = isInPlace
    return .completed(.undo(result)) { transaction in
      if isInPlace { try transaction.releaseHolds(of: task.restoreJobID) }
    }
  }

  private var network: NetworkOutcome {
    journal.confirm?.network
      ?? NetworkOutcome(
        reapplied: false,
        confirmed: false,
        confirmedReason: .timeout,
        addresses: []
      )
  }

  /// The job's last word when it did not end well.
  func ended(_ ending: RestoreEnding) -> JobOutcome {
    var failure = ending.failure
    if failure.left == .untouched { failure.left = leftState() }
    if journal.summary.done.contains(.rollback), failure.code == .internalError {
      failure.code = .startFailedRolledBack
    }
    failure.detail += " " + failure.left.sentence
    failure.isTransient = false
    let damaged = isBackupDamaged ? try? restoreTask().backupID : nil
    let kept = keptUndo
    let also: @Sendable (any CatalogTransaction) throws -> Void = { transaction in
      if let kept { try transaction.keep(kept) }
      guard let damaged, var backup = try transaction.backup(damaged) else { return }
      backup.state = .damaged
      try transaction.update(backup)
    }
    switch ending {
    case .cancelled: return .cancelled(failure, also: also)
    case .failed: return .failed(failure, also: also)
    }
  }

  /// The way back of a restore that failed after its new disk was in place: it must not be lost.
  private var keptUndo: UndoRecord? {
    let summary = journal.summary
    guard kind == .restore, summary.done.contains(.swap), !summary.begun.contains(.rollback),
      let stage = journal.stage, let stop = journal.stop
    else { return nil }
    return UndoRecord(
      vpsID: job.vpsID,
      restoreJobID: job.id,
      until: parts.clock.now().advanced(by: parts.settings.undoWindow),
      detail: undoDetail(stage, stop),
      sizeBytes: 0
    )
  }

  private func undoDetail(_ stage: StageRecord, _ stop: StopRecord) -> String {
    let shared = journal.staged?.bytesShared ?? 0
    return JournalText.of(
      UndoDetail(
        disks: stage.disks,
        seed: stop.seed,
        sharedBytes: shared > 0 ? shared : nil,
        isInPlace: stage.isInPlace,
        nvram: journal.nvram
      )
    )
  }

  private func leftState() -> LeftState {
    let journal = journal.summary
    if journal.begun.contains(.rollback), !journal.done.contains(.rollback) {
      return .needsOperator
    }
    if journal.done.contains(.start), !journal.begun.contains(.rollback) {
      return .newDiskRunning
    }
    guard journal.begun.contains(.stop) else { return .untouched }
    let isUnfinished = journal.begun.contains(.discard) && !journal.done.contains(.discard)
    return isUnfinished && self.journal.stop?.wasRunning == true
      ? .rolledBackNotRunning : .rolledBack
  }
}

extension CatalogTransaction {
  /// Stores the undo of a restore that is done; a former one that could not be removed stays with it,
  /// and goes when it does.
  fileprivate func replaceOwn(_ own: UndoRecord) throws(CatalogError) {
    let stored = try undo(of: own.vpsID)
    guard let stored, stored.restoreJobID == own.restoreJobID,
      let former = (RestoreJournal.decode(stored.detail) as UndoDetail?)?.former,
      var detail: UndoDetail = RestoreJournal.decode(own.detail)
    else { return try replace(own) }
    detail.former = former
    try replace(own.with(detail))
  }

  /// Gives the undo of a restore that failed with its new disks in place its end; a record that is
  /// there already knows more than the failed job.
  fileprivate func keep(_ kept: UndoRecord) throws(CatalogError) {
    guard var record = try undo(of: kept.vpsID), record.restoreJobID == kept.restoreJobID else {
      return try replace(kept)
    }
    record.until = kept.until
    try replace(record)
  }
}

extension LeftState {
  /// The sentence that ends a failed job's detail.
  package var sentence: String {
    switch self {
    case .untouched: "The target was not touched."
    case .rolledBack: "The target has its former disk and runs if it ran before."
    case .rolledBackNotRunning: "The target has its former disk, but it doesn't run."
    case .newDiskNotRunning: "The target has its new disk, but it doesn't run."
    case .newDiskRunning: "The target has its new disk."
    case .needsOperator: "Nothing more was changed: an operator must look at the target's disks."
    case .notRunning: "The target's disks were not touched, but it doesn't run."
    }
  }
}
