import Catalog
import Checksum
import Datastore
import Disks
import Jobs
import Model
import Operations

extension RestoreRun {
  /// Looks at the staged disks as whoever starts from them will find them: opened anew, of the right
  /// size, zero where they must be.
  func verify() async throws(StepStop) {
    try await record(.verify, .begun)
    guard let disks = journal.stage?.disks else {
      throw .operatorNeeded("The journal doesn't name the disks.")
    }
    if isInPlace {
      // There is nothing to look at yet: each piece is read back when it is written. A former undo
      // stays until this restore is whole.
      return try await record(.verify, .done)
    }
    let task = try restoreTask()
    let backup = try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { try $0.backup(task.backupID) }
    }
    guard let backup else { throw StepStop(Refusal.notFound) }
    let snapshot = try await openSnapshot(backup)
    for disk in disks {
      try await verify(disk, against: try index(of: disk, in: snapshot))
      await parts.reached(.duringVerify)
    }
    // One undo per VPS: the older one goes now that the newer stage is known to be good.
    try await dropFormerUndo()
    try await record(.verify, .done)
  }

  private func verify(
    _ disk: StagedDisk,
    against index: FixedIndex
  ) async throws(StepStop) {
    let format = try format(of: disk)
    let device = try await fromDisks { () async throws(DiskError) in
      try await DiskImage.open(
        disk.stagedPath,
        format: format,
        access: .read,
        directory: parts.settings.runtimeDirectory,
        threads: threads
      )
    }
    do throws(StepStop) {
      guard device.size == disk.sizeBytes else { throw .differs }
      try await requireZeros(device, of: disk, as: index)
    } catch {
      await close(device)
      throw error
    }
    await close(device)
  }

  /// What was never written, or made zero, reads as zeros: the chunks that are zero in the backup,
  /// and what lies behind a smaller one.
  ///
  /// What was written has been read back while the disk was filled.
  private func requireZeros(
    _ device: any BlockDevice,
    of disk: StagedDisk,
    as index: FixedIndex
  ) async throws(StepStop) {
    for range in index.zeroRanges(upTo: device.size) {
      if Task.isCancelled { throw .interrupted(.leaseLost) }
      if context.isCancelRequested { throw .cancelled }
      report(.verify, done: range.lowerBound, total: device.size)
      let extents = try await fromDisks { () async throws(DiskError) in
        try await device.extents(in: range)
      }
      // A piece that shares its block with data isn't a hole; it is read.
      for extent in extents where !extent.isZero {
        try await requireZeros(device, of: disk, in: extent.range)
      }
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
      let isEmpty = try await buffers.withBuffer { buffer throws(StepStop) in
        try await fromDisks { () async throws(DiskError) in
          try await device.read(at: place, into: buffer, count: count)
        }
        return buffer.withBytes(count) { isZero($0) }
      }
      guard isEmpty else { throw .differs }
      offset += Int64(count)
    }
  }
}

extension StepStop {
  /// What was written and made durable isn't what the disk has.
  static let differs = StepStop.because(
    .internalError,
    "The staged disk doesn't read back as it was written; the storage is at fault."
  )
}

extension FixedIndex {
  /// The runs of zeros of a disk of `size` bytes that holds this index, and zeros behind it.
  func zeroRanges(upTo size: Int64) -> [Range<Int64>] {
    var ranges: [Range<Int64>] = []
    func add(_ range: Range<Int64>) {
      guard let last = ranges.last, last.upperBound == range.lowerBound else {
        return ranges.append(range)
      }
      ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
    }
    for chunk in 0..<chunkCount where isZero(chunk) {
      let start = Int64(chunk) * Int64(chunkSize)
      add(start..<start + Int64(length(of: chunk)))
    }
    if self.size < size { add(self.size..<size) }
    return ranges
  }
}
