import Catalog
import Datastore
import Disks
import Hypervisor
import Jobs
import Logging
import Model
import Operations

// The in-place strategy: the target is stopped first, and its disks are written over where they
// are, with what they held saved in undo logs. It is for block devices, which nothing can be
// exchanged with, and for hosts without room for a second disk.

extension RestoreRun {
  /// Whether this run writes disks over instead of exchanging them.
  var isInPlace: Bool {
    if let stage = journal.stage { return stage.isInPlace ?? false }
    if case .restore(let task) = job.task { return task.strategy == .inPlace }
    return false
  }

  /// Makes the empty undo logs and the seed; no disk is touched.
  ///
  /// Each attempt has logs of its own: a worker that comes late must find none but its own to remove.
  func stageInPlace(_ facts: CheckedFacts, _ snapshot: Snapshot) async throws(StepStop) {
    var disks: [StagedDisk] = []
    for pair in facts.plan.pairs {
      guard let size = pair.target.sizeBytes else {
        throw .because(.invalidRequest, "The size of the target's disk isn't known.")
      }
      disks.append(
        StagedDisk(
          device: pair.target.device,
          archive: pair.source.archive,
          currentPath: try await fromDisks { () async throws(DiskError) in
            try await InPlaceTarget.resolve(pair.target.path)
          },
          stagedPath: "\(parts.settings.undoDirectory)/"
            + "\(job.id)-\(job.attempts)-\(pair.target.device).undo",
          format: pair.target.format,
          sizeBytes: size
        )
      )
    }
    try await record(
      .stage,
      .begun,
      StageRecord(disks: disks, stampJobID: job.id.text, isInPlace: true)
    )
    try await removeLogs()
    try await fromDisks { () async throws(DiskError) in
      _ = try await RuntimeDirectory.ensure(parts.settings.undoDirectory, mode: 0o700)
    }
    // An earlier attempt's, which has written nothing.
    try await releaseRoom()
    let holes = try await promiseDiskSpace(for: disks, in: snapshot)
    try await promiseLogSpace(for: disks, in: snapshot, beside: holes)
    try await writeSeed()
    for disk in disks {
      let pieceSize = try index(of: disk, in: snapshot).chunkSize
      try await fromDisks { () async throws(DiskError) in
        try await UndoLog.create(disk.stagedPath, diskSize: disk.sizeBytes, pieceSize: pieceSize)
      }
    }
    let isReadBack = parts.settings.verification == .readback
    try await record(.stage, .done, StagedRecord(isReadBack: isReadBack))
  }

  /// Writes the disks over, forward for a restore and back for its undo, while nobody can start the
  /// target; taken up again after a crash it goes on with what isn't done.
  func rewrite() async throws(StepStop) {
    let stopwatch = Stopwatch(parts.timer)
    let watch = StartWatch(try requireTarget().reference, on: parts.hypervisor, parts.timer)
    async let _ = watch.run()
    try await takeQuietDisks()
    if !journal.summary.begun.contains(.swap) {
      try await confirmLease()
      if context.isCancelRequested { throw .cancelled }
      try await keepUndo()
      if kind == .restore, try !startsTarget() { try await holdNextBoot() }
      try await record(.swap, .begun, SwapRecord(current: [], staged: []))
    }
    try await confirmLease()
    await parts.reached(.beforeExchange)
    // What a restore that never came to its end hasn't saved it hasn't touched.
    let isHalfDone = journal.stage?.isHalfDone ?? false
    let moved = try await rewriteAll(.swap, isSavedOnly: isHalfDone, watch)
    await parts.reached(.afterExchange)
    try await requireOff(watch)
    if kind == .restore { try await completeUndo() }
    guard let stop = journal.stop else {
      throw .operatorNeeded("The journal doesn't say how the target was stopped.")
    }
    try await exchangeNVRAM()
    try await apply(stop.seed)
    if kind == .restore { try await record(.stage, .done, moved) }
    try await record(
      .swap,
      .done,
      WrittenRecord(milliseconds: stopwatch.elapsed.milliseconds, written: try await identities())
    )
  }

  /// The files that were written over, as they are now.
  private func identities() async throws(StepStop) -> [String: FileIdentity] {
    var found: [String: FileIdentity] = [:]
    for pair in try pairs() {
      try await fromDisks { () async throws(DiskError) in
        guard try await InPlaceTarget.isFile(pair.current) else { return }
        found[pair.disk] = try await FileIdentity.of(pair.current)
      }
    }
    return found
  }

  /// Puts back what was written over, if anything was.
  func rollbackInPlace() async throws(StepStop) {
    guard journal.summary.begun.contains(.swap) else { return releaseLock() }
    guard kind == .restore else { return try await stayUndone() }
    let watch = StartWatch(try requireTarget().reference, on: parts.hypervisor, parts.timer)
    async let _ = watch.run()
    try await takeQuietDisks()
    _ = try await rewriteAll(.rollback, isSavedOnly: true, watch)
    try await requireOff(watch)
    guard let stop = journal.stop else { return releaseLock() }
    try await revertNVRAM()
    try await settleDefinition()
    try await apply(stop.seed.reversed)
    releaseLock()
  }

  /// An undo in place has no way back: what the guest wrote since the restore is gone.
  private func stayUndone() async throws(StepStop) {
    guard journal.summary.done.contains(.swap), let stop = journal.stop,
      case .undo(let task) = job.task
    else {
      throw .operatorNeeded("The undo of an in-place restore can only go on; undo the job again.")
    }
    releaseLock()
    let notes = try await raiseLinks()
    try await restoreAutostart(stop)
    // All of it is taken back, so nothing is left to be undone, and no cleaner may come to the seed
    // that is the target's again.
    try await endUndo(of: task.restoreJobID)
    try await fromJournal { () async throws(JobInterruption) in
      try await context.change { try $0.releaseHolds(of: task.restoreJobID) }
    }
    try await discardWhatIsLeft()
    throw .failure(
      JobFailure(
        code: .internalError,
        detail: (["The target has the disks from before the restore, but did not start."] + notes)
          .joined(separator: " "),
        left: .newDiskNotRunning
      )
    )
  }

  /// Removes the undo logs of this attempt and of those before it, which must not be needed any more.
  func removeLogs() async throws(StepStop) {
    for path in journal.logs.sorted() {
      try await fromDisks { () async throws(DiskError) in try await FileRemoval.remove(path) }
    }
  }

  /// Removes what a worker has made of logs after another one has taken its job.
  func removeOwnLogs() async throws(StepStop) {
    for path in journal.logs where path.contains("/\(job.id)-\(job.attempts)-") {
      try await fromDisks { () async throws(DiskError) in try await FileRemoval.remove(path) }
    }
  }

  /// An undo needs its logs, and the backup for what wasn't written over.
  func checkInPlaceUndo() async throws(StepStop) {
    let isHalfDone = journal.stage?.isHalfDone ?? false
    let snapshot = isHalfDone ? nil : try await writtenSnapshot()
    for disk in journal.stage?.disks ?? [] {
      var pieceSize: Int?
      if let snapshot { pieceSize = try index(of: disk, in: snapshot).chunkSize }
      let log = try await openLog(of: disk, pieceSize: pieceSize)
      await closeLogged(log)
    }
  }

  /// QEMU's locks on the disks, and the target off under them.
  private func takeQuietDisks() async throws(StepStop) {
    if try await describeTarget().state.isActive, journal.summary.begun.contains(.swap) {
      throw .operatorNeeded("The target was started while its disks were being written over.")
    }
    if lock == nil {
      let paths = try pairs().map(\.current)
      lock = try await fromDisks { () async throws(DiskError) in
        try await ImageLock.exclusive(paths)
      }
    }
    try await requireQuietTarget()
  }

  func openLog(of disk: StagedDisk, pieceSize: Int?) async throws(StepStop) -> UndoLog {
    let threads = threads
    return try await fromDisks { () async throws(DiskError) in
      try await UndoLog.open(
        disk.stagedPath,
        diskSize: disk.sizeBytes,
        pieceSize: pieceSize,
        threads: threads
      )
    }
  }

  func closeLogged(_ log: UndoLog) async {
    do throws(DiskError) {
      try await log.close()
    } catch {
      parts.logger.warning(
        "undo log not closed",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
    }
  }

  /// The backup that was, or is being, written: an undo's is that of the restore it takes back.
  func writtenSnapshot() async throws(StepStop) -> Snapshot {
    let id = job.id
    let restoreID: JobID
    if case .undo(let task) = job.task { restoreID = task.restoreJobID } else { restoreID = id }
    let backup = try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { transaction -> Backup? in
        guard case .restore(let task)? = try transaction.job(restoreID)?.task else { return nil }
        return try transaction.backup(task.backupID)
      }
    }
    guard let backup else { throw StepStop(Refusal.notFound) }
    return try await openSnapshot(backup)
  }
}
