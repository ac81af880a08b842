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
    let format = try format(of: disk)
    let left = try await leftStage(of: disk, format)
    let stage: Stage
    if let left { stage = left } else { stage = try await freshStage(of: disk, format) }
    let holdsSomething = stage.isClone || left != nil
    let device = try await fromDisks { () async throws(DiskError) in
      try await stage.open(
        format: format,
        directory: parts.settings.runtimeDirectory,
        threads: threads
      )
    }
    do throws(StepStop) {
      // What is compared is then on the disk, not on its way there; a qcow2 is synced when it is repaired.
      if left != nil {
        try await fromDisks { () async throws(DiskError) in try await device.flush() }
      }
      let plan = try await plan(index, disk, on: device, stage, holdsSomething: holdsSomething)
      // Whether a raw one that was left began as a clone nobody knows, so it counts as one.
      if holdsSomething, format == .raw {
        let shared = try await shared(with: disk)
        progress.add(shared, length: 0)
        if left != nil {
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

  /// What an attempt that died has left of a disk's stage, to go on with.
  ///
  /// Whatever it holds is compared, chunk by chunk, so that nothing hangs on what was durable.
  private func leftStage(
    of disk: StagedDisk,
    _ format: DiskFormat
  ) async throws(StepStop) -> Stage? {
    let id = job.id.text
    let found = try await fromDisks { () async throws(DiskError) in
      try await Stage.existing(for: disk.currentPath, job: id, disk: disk.device)
    }
    guard let found, try await isWhole(found, disk, format) else { return nil }
    parts.logger.info(
      "staging goes on",
      metadata: ["job.id": "\(job.id)", "disk": "\(disk.device)"]
    )
    return found
  }

  /// Whether what was left can be gone on with: one that was cut short in the making isn't of the disk's
  /// size, or no image, yet.
  private func isWhole(
    _ found: Stage,
    _ disk: StagedDisk,
    _ format: DiskFormat
  ) async throws(StepStop) -> Bool {
    let isWhole = try await fromDisks { () async throws(DiskError) in
      switch format {
      case .raw:
        try await DiskImage.virtualSize(found.path, format: .raw) == disk.sizeBytes
      case .qcow2:
        try await found.repair(like: disk.currentPath, virtualSize: disk.sizeBytes)
      }
    }
    guard isWhole != true else { return true }
    // What ends with its worker is no reason to throw hours of work away.
    if Task.isCancelled { throw .interrupted(.leaseLost) }
    guard isWhole != nil else {
      throw .because(
        .internalError,
        "What is staged of the disk \(disk.device) can't be looked at now.",
        isTransient: true
      )
    }
    // The check may have taken long, and what is left is about to be removed.
    if format == .qcow2 { try await confirmLease() }
    return false
  }

  /// A new stage, in place of what an attempt that died may have left.
  private func freshStage(
    of disk: StagedDisk,
    _ format: DiskFormat
  ) async throws(StepStop) -> Stage {
    let room = try await cloneRoom(for: disk, format)
    let id = job.id.text
    let stamp = Stamp(role: .new, job: id, disk: disk.device)
    let stage = try await fromDisks { () async throws(DiskError) in
      try await Stage.discard(disk.stagedPath, expecting: stamp)
      return try await Stage.create(
        beside: disk.currentPath,
        format: format,
        virtualSize: disk.sizeBytes,
        job: id,
        disk: disk.device,
        isCloneWanted: room != nil
      )
    }
    if let room, !stage.isClone { try await giveBack(room) }
    return stage
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
    _ disk: StagedDisk,
    on device: any BlockDevice,
    _ stage: Stage,
    holdsSomething: Bool
  ) async throws(StepStop) -> StagePlan {
    guard holdsSomething else { return .empty(index) }
    let extents = try await fromDisks { () async throws(DiskError) in
      try await device.extents(in: 0..<device.size)
    }
    // Only of a clone just made is anything known.
    guard stage.isClone else { return .delta(index, over: extents, map: nil) }
    let map = await parts.maps.map(
      of: try requireTarget(),
      device: disk.device,
      at: disk.currentPath
    )
    return .delta(index, over: extents, map: map)
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
