import Datastore
import Disks
import Jobs
import Model
import Operations
import Synchronization

// Writing disks over, piece by piece, and back.

extension RestoreRun {
  /// Goes over all disks: all of them, or what was saved of them, which needs nothing but the logs.
  func rewriteAll(
    _ step: RestoreStep,
    isSavedOnly: Bool,
    _ watch: StartWatch
  ) async throws(StepStop) -> StagedRecord {
    let snapshot = isSavedOnly ? nil : try await writtenSnapshot()
    let disks = journal.stage?.disks ?? []
    var progress = StageProgress(
      total: disks.reduce(0) { $0 + $1.sizeBytes },
      isReadBack: parts.settings.verification == .readback
    )
    var lostCount = 0
    for (place, disk) in disks.enumerated() {
      if place > 0 { await parts.reached(.betweenExchanges) }
      var index: FixedIndex?
      if let snapshot { index = try self.index(of: disk, in: snapshot) }
      let log = try await openLog(of: disk, pieceSize: index?.chunkSize)
      do throws(StepStop) {
        let pieces = isSavedOnly ? log.pieces : nil
        lostCount += try await rewrite(disk, index, log, step, pieces, watch, &progress)
      } catch {
        await closeLogged(log)
        throw error
      }
      await closeLogged(log)
    }
    guard lostCount == 0 else {
      throw .damage(
        JobFailure(
          code: .backupDamaged,
          detail: "The backup has lost \(lostCount) pieces that the undo needs of it. "
            + "Everything else was put back."
        )
      )
    }
    return progress.record
  }

  /// Goes over the pieces of a disk.
  ///
  /// - Returns: How many of them the backup has lost, of those that an undo needs of it.
  private func rewrite(
    _ disk: StagedDisk,
    _ index: FixedIndex?,
    _ log: UndoLog,
    _ step: RestoreStep,
    _ pieces: [Int]?,
    _ watch: StartWatch,
    _ progress: inout StageProgress
  ) async throws(StepStop) -> Int {
    let threads = threads
    let device = try await fromDisks { () async throws(DiskError) in
      try await RawDisk.open(
        disk.currentPath,
        access: .write,
        isDeviceWritten: true,
        threads: threads
      )
    }
    do throws(StepStop) {
      guard device.size == disk.sizeBytes else {
        throw .operatorNeeded("A disk isn't of the size that the journal says.")
      }
      let fill = inPlaceFill(device, disk, index, log, watch)
      let isForward = kind == .restore && step == .swap
      var work = pieces ?? []
      if pieces == nil { work = try await self.work(on: fill, isForward: isForward, &progress) }
      let lost = try await rewrite(work, fill, step, isForward: isForward, watch, &progress)
      try await fromDisks { () async throws(DiskError) in try await device.flush() }
      await close(device)
      return lost
    } catch {
      await close(device)
      throw error
    }
  }

  private func rewrite(
    _ pieces: [Int],
    _ fill: InPlaceFill,
    _ step: RestoreStep,
    isForward: Bool,
    _ watch: StartWatch,
    _ progress: inout StageProgress
  ) async throws(StepStop) -> Int {
    var counted = progress
    let wasHalf = progress.isHalf
    let lost = Mutex<[Int]>([])
    try await StepWalk.run(pieces) { piece, done throws(StepStop) in
      counted.add(done, length: Int64(fill.range(of: piece).count))
      report(step, done: counted.bytesDone, total: counted.total)
      priority.set(context.ioPriority ?? parts.settings.ioPriority.value)
      if Task.isCancelled { throw .interrupted(.leaseLost) }
      if watch.hasSeenStart { throw .startedMeanwhile }
    } body: { piece throws(StepStop) in
      if isForward { return try await fill.forward(piece) }
      do throws(StepStop) {
        return try await fill.back(piece)
      } catch .damage {
        // What the backup has lost keeps nobody from putting back the rest.
        lost.withLock { $0.append(piece) }
        return StagedRecord()
      }
    }
    progress = counted
    if isForward, !wasHalf, progress.isHalf { await parts.reached(.duringRewrite) }
    return lost.withLock { $0.count }
  }

  private func inPlaceFill(
    _ device: RawDisk,
    _ disk: StagedDisk,
    _ index: FixedIndex?,
    _ log: UndoLog,
    _ watch: StartWatch
  ) -> InPlaceFill {
    InPlaceFill(
      index: index,
      device: device,
      log: log,
      reader: parts.datastore.reader(on: threads, packed: packed, digests: digests),
      buffers: buffers,
      shadows: shadows,
      flushes: FlushGroup(device),
      isReadBack: parts.settings.verification == .readback,
      threads: threads,
      rates: [context.rate, parts.rate],
      space: device.isFile ? space(at: disk.currentPath, keeping: .inPlace) : nil,
      // The log looks itself whether it may grow.
      logSpace: space(at: disk.stagedPath, keeping: FreeReserve(percent: 0)),
      // In the last moment: others are in flight when one has ended, and those that waited for their
      // turn wake early when the walk is over.
      mayWrite: { () throws(StepStop) in
        if watch.hasSeenStart { throw .startedMeanwhile }
        if Task.isCancelled { throw .interrupted(.leaseLost) }
      }
    )
  }

  /// The pieces that must be looked at: holes where zeros belong needn't be.
  private func work(
    on fill: InPlaceFill,
    isForward: Bool,
    _ progress: inout StageProgress
  ) async throws(StepStop) -> [Int] {
    let extents = try await fromDisks { () async throws(DiskError) in
      try await fill.device.extents(in: 0..<fill.device.size)
    }
    var holes = HoleLook(extents)
    var pieces: [Int] = []
    // What is saved comes first: it needs no backup, which may have lost what the rest needs.
    if !isForward { pieces = fill.log.pieces }
    for piece in 0..<fill.pieceCount {
      let range = fill.range(of: piece)
      let isSaved = fill.log.digest(of: piece) != nil
      if !isForward, isSaved { continue }
      if holes.isHole(range), fill.isZero(piece) {
        let count = Int64(range.count)
        progress.add(StagedRecord(bytesReused: count), length: count)
      } else {
        pieces.append(piece)
      }
    }
    return pieces
  }
}
