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
    try await discardStages()
    try await writeSeed()
    var progress = StageProgress(total: snapshot.indexes.values.reduce(0) { $0 + $1.size })
    for disk in staged {
      try await copy(try index(of: disk, in: snapshot), to: disk, &progress)
    }
    try await record(.stage, .done, progress.record)
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

  /// Writes one disk: every chunk that isn't zero; the rest of a new disk is zero already.
  private func copy(
    _ index: FixedIndex,
    to disk: StagedDisk,
    _ progress: inout StageProgress
  ) async throws(StepStop) {
    let format = try format(of: disk)
    let id = job.id.text
    let device = try await fromDisks { () async throws(DiskError) in
      let stage = try await Stage.create(
        beside: disk.currentPath,
        format: format,
        virtualSize: disk.sizeBytes,
        job: id,
        disk: disk.device
      )
      return try await DiskImage.open(
        stage.path,
        format: format,
        access: .write,
        directory: parts.settings.runtimeDirectory
      )
    }
    do throws(StepStop) {
      try await write(index, to: device, &progress)
      // An error here fails the stage for good: a second try could lie.
      try await fromDisks { () async throws(DiskError) in try await device.flush() }
    } catch {
      await close(device)
      throw error
    }
    try await fromDisks { () async throws(DiskError) in try await device.close() }
  }

  private func write(
    _ index: FixedIndex,
    to device: any BlockDevice,
    _ progress: inout StageProgress
  ) async throws(StepStop) {
    let store = parts.datastore
    let rates = [context.rate, parts.rate]
    var isHalfTold = false
    var counted = progress
    try await ChunkWalk(index: index, buffers: parts.buffers).run { done, length throws(StepStop) in
      counted.add(done, length: length)
      report(.stage, done: counted.bytesDone, total: counted.total)
      if Task.isCancelled { throw .interrupted(.leaseLost) }
      if context.isCancelRequested { throw .cancelled }
      if !isHalfTold, counted.bytesDone * 2 >= counted.total { isHalfTold = true }
    } body: { chunk, buffer throws(StepStop) in
      let length = index.length(of: chunk)
      guard !index.isZero(chunk) else { return StagedRecord(bytesReused: Int64(length)) }
      for rate in rates { await rate.spend(length) }
      try await fromDatastore { () async throws(DatastoreError) in
        try await store.readChunk(index.digests[chunk], into: buffer, expecting: length)
      }
      try await fromDisks { () async throws(DiskError) in
        try await device.write(
          at: Int64(chunk) * Int64(index.chunkSize),
          from: buffer,
          count: length
        )
      }
      return StagedRecord(bytesRead: Int64(length), bytesWritten: Int64(length))
    }
    progress = counted
    if isHalfTold { await parts.reached(.duringStage) }
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
  private(set) var record = StagedRecord()

  init(total: Int64) {
    self.total = total
  }

  mutating func add(_ chunk: StagedRecord, length: Int) {
    bytesDone += Int64(length)
    record += chunk
  }
}
