import Checksum
import Datastore
import Disks
import Jobs
import Model
import Operations

extension RestoreRun {
  /// Promises the undo logs, before the target is stopped, room where they are kept: that file system,
  /// not the disks', is the one that they fill.
  ///
  /// Where there is room for all that can differ nothing is read. Else the disks are compared while
  /// the target runs: what it writes meanwhile makes that an estimate, and the logs themselves stop
  /// before they fill up a host, but no guest is stopped for what is known to fail.
  ///
  /// - Parameters:
  ///   - disks: What is going to be written over.
  ///   - snapshot: What with.
  ///   - holes: What the disks themselves were promised, by file system.
  /// - Throws: When there isn't enough, beside what other jobs were promised.
  func promiseLogSpace(
    for disks: [StagedDisk],
    in snapshot: Snapshot,
    beside holes: [String: Int64]
  ) async throws(StepStop) {
    var most: Int64 = 0
    for disk in disks { most += try await mostLogBytes(disk, index(of: disk, in: snapshot)) }
    guard case .missing = try await promiseLogs(most, beside: holes) else { return }
    var needed: Int64 = 0
    for disk in disks {
      needed += try await differingBytes(disk, index(of: disk, in: snapshot))
      let promise = try await promiseLogs(needed, beside: holes)
      guard case .missing(let missing) = promise else { continue }
      throw .because(
        .hostStorageFull,
        "There is no room for what the target's disks hold now, which an undo needs: at least "
          + "\(missing) bytes more must be free, beside what other jobs were promised."
      )
    }
  }

  /// Promises the logs room to hold `bytes`, of what is free now.
  private func promiseLogs(
    _ bytes: Int64,
    beside holes: [String: Int64]
  ) async throws(StepStop) -> RoomPromise {
    let space = try await fromDisks { () async throws(DiskError) in
      try await FreeSpace.at(parts.settings.undoDirectory)
    }
    return try await promise(
      holes[space.fileSystem, default: 0] + RestorePlan.neededBytes(nonZeroBytes: bytes),
      in: space.fileSystem,
      of: space.freeBytes - Limits.undoLogFreeFloor
    )
  }

  /// What the log of a disk can take at most: all that it holds, and a page for each piece.
  private func mostLogBytes(
    _ disk: StagedDisk,
    _ index: FixedIndex
  ) async throws(StepStop) -> Int64 {
    let held = try await fromDisks { () async throws(DiskError) in
      try await DiskImage.allocatedBytes(disk.currentPath)
    }
    let pages = UndoLog.pageBytes(diskSize: disk.sizeBytes, pieceSize: index.chunkSize)
    // A block device has no holes that are known of.
    return (held == 0 ? disk.sizeBytes : min(disk.sizeBytes, held)) + pages
  }

  /// How many bytes of a disk that a guest may be writing to aren't as the backup has them.
  private func differingBytes(
    _ disk: StagedDisk,
    _ index: FixedIndex
  ) async throws(StepStop) -> Int64 {
    try await reading(disk) { device throws(StepStop) in try await differingBytes(device, index) }
  }

  /// Looks at a disk as it is now, which its guest may be writing to.
  func reading<Value>(
    _ disk: StagedDisk,
    _ look: (RawDisk) async throws(StepStop) -> Value
  ) async throws(StepStop) -> Value {
    let threads = threads
    let device = try await fromDisks { () async throws(DiskError) in
      try await RawDisk.open(disk.currentPath, access: .read, threads: threads)
    }
    do throws(StepStop) {
      let value = try await look(device)
      await close(device)
      return value
    } catch {
      await close(device)
      throw error
    }
  }

  private func differingBytes(
    _ device: RawDisk,
    _ index: FixedIndex
  ) async throws(StepStop) -> Int64 {
    let comparison = LogEstimate(
      index: index,
      device: device,
      buffers: buffers,
      threads: threads,
      rates: [context.rate, parts.rate]
    )
    var differing: Int64 = 0
    try await StepWalk.run(try await comparison.pieces()) { _, done throws(StepStop) in
      differing += done.bytesWritten
      if Task.isCancelled { throw .interrupted(.leaseLost) }
      if context.isCancelRequested { throw .cancelled }
    } body: { piece throws(StepStop) in
      try await comparison.compare(piece)
    }
    return differing
  }
}

/// Tells what of a disk an in-place restore would have to save, without writing anything.
private struct LogEstimate: Sendable {
  let index: FixedIndex
  let device: RawDisk
  let buffers: BufferPool
  let threads: BlockingExecutor
  let rates: [RateLimiter]

  private func range(of piece: Int) -> Range<Int64> {
    let start = Int64(piece) * Int64(index.chunkSize)
    return start..<min(device.size, start + Int64(index.chunkSize))
  }

  private func isZero(_ piece: Int) -> Bool { piece >= index.chunkCount || index.isZero(piece) }

  /// The pieces that aren't holes where zeros belong.
  func pieces() async throws(StepStop) -> [Int] {
    let extents = try await fromDisks { () async throws(DiskError) in
      try await device.extents(in: 0..<device.size)
    }
    var holes = HoleLook(extents)
    let count = Int((device.size + Int64(index.chunkSize) - 1) / Int64(index.chunkSize))
    return (0..<count).filter { !holes.isHole(range(of: $0)) || !isZero($0) }
  }

  /// Counts the piece as written if it differs.
  func compare(_ piece: Int) async throws(StepStop) -> StagedRecord {
    let range = range(of: piece)
    for rate in rates { await rate.spend(range.count) }
    let isSame = try await buffers.withBuffer { buffer throws(StepStop) in
      try await fromDisks { () async throws(DiskError) in
        try await device.read(at: range.lowerBound, into: buffer, count: range.count)
      }
      return await threads.run { holds(buffer, piece, range.count) }
    }
    return StagedRecord(bytesWritten: isSame ? 0 : Int64(range.count))
  }

  private func holds(_ buffer: AlignedBuffer, _ piece: Int, _ count: Int) -> Bool {
    buffer.withBytes(count) { bytes in
      guard !isZero(piece) else { return Checksum.isZero(bytes) }
      let length = index.length(of: piece)
      return Digest(sha256: bytes.extracting(0..<length)).equals(index.digests[piece])
        && Checksum.isZero(bytes.extracting(length..<count))
    }
  }
}
