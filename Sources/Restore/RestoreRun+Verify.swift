import Catalog
import Checksum
import Datastore
import Disks
import Jobs
import Model
import Operations

extension RestoreRun {
  /// Reads back what was staged, from the disk and not from memory, and compares it.
  func verify() async throws(StepStop) {
    try await record(.verify, .begun)
    guard let disks = journal.stage?.disks else {
      throw .operatorNeeded("The journal doesn't name the disks.")
    }
    let task = try restoreTask()
    let backup = try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { try $0.backup(task.backupID) }
    }
    guard let backup else { throw StepStop(Refusal.notFound) }
    let snapshot = try await openSnapshot(backup)
    var progress = StageProgress(total: disks.reduce(0) { $0 + $1.sizeBytes })
    for disk in disks {
      try await verify(disk, against: try index(of: disk, in: snapshot), &progress)
      await parts.reached(.duringVerify)
    }
    // One undo per VPS: the older one goes now that the newer stage is known to be good.
    try await dropFormerUndo()
    try await record(.verify, .done)
  }

  private func verify(
    _ disk: StagedDisk,
    against index: FixedIndex,
    _ progress: inout StageProgress
  ) async throws(StepStop) {
    let format = try format(of: disk)
    let device = try await fromDisks { () async throws(DiskError) in
      try await DiskImage.open(
        disk.stagedPath,
        format: format,
        access: .read,
        directory: parts.settings.runtimeDirectory
      )
    }
    do throws(StepStop) {
      guard device.size == disk.sizeBytes else { throw Self.differs(disk) }
      try await compare(device, of: disk, with: index, &progress)
      try await requireZeros(device, of: disk, from: index.size)
    } catch {
      await close(device)
      throw error
    }
    await close(device)
  }

  private func compare(
    _ device: any BlockDevice,
    of disk: StagedDisk,
    with index: FixedIndex,
    _ progress: inout StageProgress
  ) async throws(StepStop) {
    var counted = progress
    try await ChunkWalk(index: index, buffers: parts.buffers).run { done, length throws(StepStop) in
      counted.add(done, length: length)
      report(.verify, done: counted.bytesDone, total: counted.total)
      if Task.isCancelled { throw .interrupted(.leaseLost) }
      if context.isCancelRequested { throw .cancelled }
    } body: { chunk, buffer throws(StepStop) in
      let length = index.length(of: chunk)
      let start = Int64(chunk) * Int64(index.chunkSize)
      if index.isZero(chunk), try await Self.isHole(device, start..<start + Int64(length)) {
        return StagedRecord()
      }
      try await fromDisks { () async throws(DiskError) in
        try await device.read(at: start, into: buffer, count: length)
      }
      let isEqual = buffer.withBytes(length) { bytes in
        index.isZero(chunk)
          ? isZero(bytes) : Digest(sha256: bytes).equals(index.digests[chunk])
      }
      guard isEqual else { throw Self.differs(disk) }
      return StagedRecord()
    }
    progress = counted
  }

  /// A smaller backup leaves zeros behind it.
  private func requireZeros(
    _ device: any BlockDevice,
    of disk: StagedDisk,
    from start: Int64
  ) async throws(StepStop) {
    guard start < device.size else { return }
    let extents = try await fromDisks { () async throws(DiskError) in
      try await device.extents(in: start..<device.size)
    }
    // The block that the backup's end shares with the rest is data as a whole.
    for extent in extents where !extent.isZero {
      try await requireZeros(device, of: disk, in: extent.range)
    }
  }

  private func requireZeros(
    _ device: any BlockDevice,
    of disk: StagedDisk,
    in range: Range<Int64>
  ) async throws(StepStop) {
    var offset = range.lowerBound
    while offset < range.upperBound {
      let count = Int(min(Int64(Limits.chunkBytes), range.upperBound - offset))
      let place = offset
      let isEmpty = try await parts.buffers.withBuffer { buffer throws(StepStop) in
        try await fromDisks { () async throws(DiskError) in
          try await device.read(at: place, into: buffer, count: count)
        }
        return buffer.withBytes(count) { isZero($0) }
      }
      guard isEmpty else { throw Self.differs(disk) }
      offset += Int64(count)
    }
  }

  private static func isHole(
    _ device: any BlockDevice,
    _ range: Range<Int64>
  ) async throws(StepStop) -> Bool {
    try await fromDisks { () async throws(DiskError) in
      try await device.extents(in: range).allSatisfy(\.isZero)
    }
  }

  private static func differs(_ disk: StagedDisk) -> StepStop {
    .because(
      .internalError,
      "The staged disk \(disk.device) doesn't read back as it was written; the storage is at fault."
    )
  }
}
