import Catalog
import Datastore
import Disks
import Jobs
import Logging
import Model
import Operations

extension RestoreRun {
  /// Makes the new disks and the new seed beside the target's, which still runs.
  func stage() async throws(StepStop) {
    let facts = try await restoreFacts()
    let snapshot = try await openSnapshot(facts.backup)
    if isInPlace { return try await stageInPlace(facts, snapshot) }
    var staged: [StagedDisk] = []
    for pair in facts.plan.pairs {
      let path = try await qualify(pair.target.path)
      guard let size = pair.target.sizeBytes else {
        throw .because(.invalidRequest, "The size of the target's disk isn't known.")
      }
      staged.append(
        StagedDisk(
          device: pair.target.device,
          archive: pair.source.archive,
          currentPath: path,
          stagedPath: Stage.path(for: path, job: job.id.text),
          format: pair.target.format,
          sizeBytes: size
        )
      )
    }
    try await record(.stage, .begun, StageRecord(disks: staged, stampJobID: job.id.text))
    try await writeSeed()
    var progress = StageProgress(
      total: snapshot.indexes.values.reduce(0) { $0 + $1.size },
      isReadBack: parts.settings.verification == .readback
    )
    for disk in staged {
      try await copy(try index(of: disk, in: snapshot), to: disk, &progress)
    }
    try await record(.stage, .done, progress.record)
  }

  /// Looks after the room of what is written at `path`.
  func space(at path: String, keeping reserve: FreeReserve) -> StageSpace {
    StageSpace(path, of: job.id, parts.catalog, keeping: reserve)
  }

  func index(of disk: StagedDisk, in snapshot: Snapshot) throws(StepStop) -> FixedIndex {
    guard let index = disk.archive.flatMap({ snapshot.indexes[$0] }) else {
      throw .damage(
        JobFailure(code: .backupDamaged, detail: "The backup has no index for a disk.")
      )
    }
    return index
  }

  func format(of disk: StagedDisk) throws(StepStop) -> DiskFormat {
    guard let format = DiskFormat(rawValue: disk.format) else {
      throw .because(.invalidRequest, "The target's disk format isn't one that can be staged.")
    }
    return format
  }

  /// Makes one disk, and makes it hold what the index says.
  private func copy(
    _ index: FixedIndex,
    to disk: StagedDisk,
    _ progress: inout StageProgress
  ) async throws(StepStop) {
    let made = try await madeStage(of: disk)
    let stage = made.stage
    let format = try format(of: disk)
    let device = try await fromDisks { () async throws(DiskError) in
      try await stage.open(
        format: format,
        directory: parts.settings.runtimeDirectory,
        threads: threads
      )
    }
    do throws(StepStop) {
      // What is compared is then on the disk, not on its way there; a qcow2 is synced when it is repaired.
      if made.isLeft {
        try await fromDisks { () async throws(DiskError) in try await device.flush() }
      }
      let plan = try await plan(index, made, on: device)
      // Whether one that was left began as a clone nobody knows, so it counts as one.
      if made.holdsSomething {
        let shared = try await shared(with: disk)
        progress.add(shared, length: 0)
        if made.isLeft {
          let path = disk.currentPath
          let place = try await fromDisks { () async throws(DiskError) in
            try await FreeSpace.at(path).fileSystem
          }
          clonedBytes[place, default: 0] += shared.bytesShared
        }
      }
      let space = space(at: stage.path, keeping: parts.settings.freeReserve)
      try await fill(device, index, plan, space, &progress)
      // An error here fails the stage for good: a second try could lie.
      try await fromDisks { () async throws(DiskError) in try await device.flush() }
    } catch {
      await close(device)
      throw error
    }
    try await fromDisks { () async throws(DiskError) in try await device.close() }
  }

  private func shared(with disk: StagedDisk) async throws(StepStop) -> StagedRecord {
    let bytes = try await fromDisks { () async throws(DiskError) in
      try await DiskImage.allocatedBytes(disk.currentPath)
    }
    return StagedRecord(bytesShared: bytes)
  }

  /// What is to be done with a disk that is empty, holds what the target's held a moment ago, or
  /// anything at all.
  private func plan(
    _ index: FixedIndex,
    _ made: MadeStage,
    on device: any BlockDevice
  ) async throws(StepStop) -> StagePlan {
    guard made.holdsSomething else { return .empty(index) }
    let extents = try await fromDisks { () async throws(DiskError) in
      try await device.extents(inChunksOf: index.chunkSize)
    }
    return .delta(index, over: extents, map: made.map)
  }

  private func fill(
    _ device: any BlockDevice,
    _ index: FixedIndex,
    _ plan: StagePlan,
    _ space: StageSpace,
    _ progress: inout StageProgress
  ) async throws(StepStop) {
    let fill = StageFill(
      index: index,
      device: device,
      reader: parts.datastore.reader(on: threads, packed: packed, digests: digests),
      buffers: buffers,
      shadows: shadows,
      flushes: parts.settings.verification == .readback ? FlushGroup(device) : nil,
      threads: threads,
      digests: digests,
      rates: [context.rate, parts.rate],
      isEmpty: plan.isOfEmptyDisk,
      space: space
    )
    var counted = progress
    counted.add(StagedRecord(bytesReused: plan.bytesReused), length: plan.bytesReused)
    let wasHalf = progress.isHalf
    try await StepWalk.run(plan.steps) { step, done throws(StepStop) in
      counted.add(done, length: step.length(in: index))
      report(.stage, done: counted.bytesDone, total: counted.total)
      priority.set(context.ioPriority ?? parts.settings.ioPriority.value)
      if Task.isCancelled { throw .interrupted(.leaseLost) }
      if context.isCancelRequested { throw .cancelled }
    } body: { step throws(StepStop) in
      try await fill.perform(step)
    }
    progress = counted
    if !wasHalf, progress.isHalf { await parts.reached(.duringStage) }
  }

  /// Closes a disk whose outcome no longer matters.
  func close(_ device: any BlockDevice) async {
    do throws(DiskError) {
      try await device.close()
    } catch {
      parts.logger.warning(
        "disk not closed",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
    }
  }

  /// Removes what an attempt that died has left; a file that isn't ours stops the job.
  func discardStages() async throws(StepStop) {
    for pair in try pairs() {
      _ = try await fromDisks { () async throws(DiskError) in
        try await Stage.discard(pair.staged, expecting: pair.new)
      }
    }
  }
}

/// How far the stage has come over all disks.
struct StageProgress {
  let total: Int64
  private(set) var bytesDone: Int64 = 0
  private(set) var record: StagedRecord

  init(total: Int64, isReadBack: Bool = false) {
    self.total = total
    record = StagedRecord(isReadBack: isReadBack)
  }

  /// Whether half of it is done.
  var isHalf: Bool { bytesDone * 2 >= total }

  mutating func add(_ step: StagedRecord, length: Int64) {
    bytesDone += length
    record += step
  }
}

extension StagePlan.Step {
  /// How many bytes of the disk it is about, within the index.
  func length(in index: FixedIndex) -> Int64 {
    switch self {
    case .write(let chunk), .compare(let chunk): Int64(index.length(of: chunk))
    case .zero(let range): Int64(range.clamped(to: 0..<index.size).count)
    }
  }
}
