internal import Disks
internal import Logging
package import Model
internal import Synchronization

extension LocalDatastore {
  /// Removes the chunks that no index names and that nobody has used for a day, or tells what it
  /// would remove.
  ///
  /// Marks and sweeps by the rules of a Proxmox Backup Server. While it removes, no other process
  /// may have the store; this value's readers and writers go on. A task that is cancelled ends it
  /// early, and the next collection continues the sweep.
  ///
  /// - Parameters:
  ///   - isDryRun: Whether only to tell; then other processes may use the store, too.
  ///   - progress: Is told how far it has come, from one task.
  /// - Returns: What was found and done.
  /// - Throws: `busy` while another process uses the store, or another collection runs; `unmarkable`
  ///   naming what can't be followed.
  package func collectGarbage(
    isDryRun: Bool = false,
    progress: @Sendable (GarbageProgress) async -> Void = { _ in }
  ) async throws(DatastoreError) -> GarbageReport {
    let isFirst = isCollecting.withLock { isCollecting in
      defer { isCollecting = true }
      return !isCollecting
    }
    guard isFirst else { throw .busy }
    defer { isCollecting.withLock { $0 = false } }
    guard !isDryRun else { return try await collect(isDryRun: true, progress) }
    try await changeLock(to: .exclusive)
    do throws(DatastoreError) {
      let report = try await collect(isDryRun: false, progress)
      try await changeLock(to: .shared)
      figures.didCollect(report)
      return report
    } catch {
      do throws(DatastoreError) {
        try await changeLock(to: .shared)
      } catch {
        // Others stay away until we end: nothing is lost by it.
        logger.error("store lock not shared again", metadata: ["error": "\(error)"])
      }
      throw error
    }
  }

  private func changeLock(to mode: RecordLock.Mode) async throws(DatastoreError) {
    let lock = lock
    try await files.run { _ throws(DatastoreError) in
      do throws(RecordLock.Failure) {
        try lock.change(to: mode)
      } catch {
        throw Self.storeError(error)
      }
    }
  }

  private func collect(
    isDryRun: Bool,
    _ progress: @Sendable (GarbageProgress) async -> Void
  ) async throws(DatastoreError) -> GarbageReport {
    let layout = layout
    let bootID = StillMark.currentBootID()
    let left = try await files.run { calls throws(DatastoreError) in
      try GarbageRecord.load(layout, calls)
    }
    if !isDryRun, let left, left.mayGoOn(at: clock.now(), bootID: bootID) {
      logger.info("garbage collection goes on", metadata: ["folder": "\(left.nextFolder)"])
      return try await sweep(left, progress)
    }
    // In this order: a writer that enters later is younger than what is swept.
    let start = clock.now()
    let rules = GarbageRules(markStart: start, oldestWriter: writers.oldestStart)
    var report = GarbageReport(isDryRun: isDryRun)
    guard try await mark(&report, progress) else { return report }
    let record = GarbageRecord(
      bootID: bootID ?? "",
      rules: rules,
      report: report,
      nextFolder: 0
    )
    return try await sweep(record, progress)
  }

  /// Marks everything; false if it was told to end before.
  private func mark(
    _ report: inout GarbageReport,
    _ progress: @Sendable (GarbageProgress) async -> Void
  ) async throws(DatastoreError) -> Bool {
    let layout = layout
    let indexes = try await files.run { calls throws(DatastoreError) in
      try IndexSearch.run(layout, calls)
    }
    var mark = GarbageMark(chunks: chunks, files: files)
    for (number, index) in indexes.enumerated() {
      guard !Task.isCancelled else { return false }
      await progress(GarbageProgress(phase: .mark, done: number, total: indexes.count))
      try await mark.mark(index)
    }
    report.indexCount = indexes.count
    report.missingCount = mark.missing.count
    if !mark.missing.isEmpty {
      logger.warning("chunks are missing", metadata: ["count": "\(mark.missing.count)"])
    }
    return !Task.isCancelled
  }

  private func sweep(
    _ start: GarbageRecord,
    _ progress: @Sendable (GarbageProgress) async -> Void
  ) async throws(DatastoreError) -> GarbageReport {
    let (layout, count) = (layout, StoreLayout.chunkFolderCount)
    let stripes = chunks.stripes
    let sweep = try await files.run { calls throws(DatastoreError) in
      try GarbageSweep(
        layout: layout,
        stripes: stripes,
        rules: start.rules,
        isDryRun: start.report.isDryRun,
        calls
      )
    }
    var record = start
    while record.nextFolder < count {
      await progress(GarbageProgress(phase: .sweep, done: record.nextFolder, total: count))
      let isEnding = Task.isCancelled
      let savesNow = isEnding || record.nextFolder % Limits.garbageCheckpoint == 0
      let (now, batch) = (
        record, record.nextFolder..<min(count, record.nextFolder + Limits.garbageSweepBatch)
      )
      record.report = try await files.run { calls throws(DatastoreError) in
        if savesNow, !now.report.isDryRun { try now.save(layout, calls) }
        return isEnding ? now.report : try sweep.run(batch, now.report, calls)
      }
      if isEnding { return record.report }
      record.nextFolder = batch.upperBound
    }
    record.report.isComplete = true
    if !record.report.isDryRun {
      try await files.run { calls throws(DatastoreError) in
        _ = try calls.removeFile(layout.garbageRecord)
      }
    }
    return record.report
  }
}
