import Catalog
import Checksum
import Datastore
import Disks
import Jobs
import Model

/// What reading all disks came to.
struct MadeDisks: Sendable {
  var disks: [BackupDisk] = []
  var bytesRead: Int64 = 0
  var bytesWritten: Int64 = 0
  var bytesReused: Int64 = 0
  var isFrozen = false
  var frozenMilliseconds: Int64 = 0
}

/// What one chunk came to.
private struct ChunkDone: Sendable {
  var length: Int
  var bytesRead: Int64 = 0
  var bytesWritten: Int64 = 0
  var isZero = false
}

extension BackupRun {
  /// Reads every disk into the snapshot.
  func read(
    _ sources: [SourceDisk],
    into writer: SnapshotWriter
  ) async throws(BackupStop) -> MadeDisks {
    try await record(.read, .begun)
    var made = MadeDisks()
    let total = sources.reduce(0) { $0 + $1.device.size }
    var done: Int64 = 0
    for source in sources {
      try await read(source, into: writer, &made, &done, total)
    }
    try await record(.read, .done)
    return made
  }

  private func read(
    _ source: SourceDisk,
    into writer: SnapshotWriter,
    _ made: inout MadeDisks,
    _ done: inout Int64,
    _ total: Int64
  ) async throws(BackupStop) {
    let index = try await fromDatastore { () async throws(DatastoreError) in
      try writer.beginIndex(source.archive, size: source.device.size)
    }
    var nonZero: Int64 = 0
    var (counted, progress) = (made, done)
    try await walk(index, source.device) { chunk throws(BackupStop) in
      progress += Int64(chunk.length)
      counted.bytesRead += chunk.bytesRead
      counted.bytesWritten += chunk.bytesWritten
      if chunk.bytesWritten == 0 { counted.bytesReused += Int64(chunk.length) }
      if !chunk.isZero { nonZero += Int64(chunk.length) }
      report(done: progress, total: total)
      if Task.isCancelled { throw .interrupted(.leaseLost) }
      if context.isCancelRequested { throw .cancelled }
    }
    await parts.reached(.duringRead)
    try await fromDatastore { () async throws(DatastoreError) in try await index.close() }
    (made, done) = (counted, progress)
    made.disks.append(
      BackupDisk(
        device: source.observed.device,
        bus: source.observed.bus,
        archive: source.archive,
        sizeBytes: source.device.size,
        nonZeroBytes: nonZero,
        logicalBlockSize: source.observed.logicalBlockSize,
        bootOrder: source.observed.bootOrder
      )
    )
  }

  /// Puts every chunk, several at a time; holes aren't read.
  private func walk(
    _ index: IndexBuilder,
    _ device: any BlockDevice,
    each: (ChunkDone) throws(BackupStop) -> Void
  ) async throws(BackupStop) {
    let buffers = parts.buffers
    let stop = await withTaskGroup(of: Result<ChunkDone, BackupStop>.self) {
      group -> BackupStop? in
      var next = 0
      func add() {
        guard next < index.chunkCount else { return }
        let chunk = next
        next += 1
        group.addTask { await Self.put(chunk, of: device, into: index, buffers) }
      }
      for _ in 0..<Limits.chunksInFlight { add() }
      while let result = await group.next() {
        do throws(BackupStop) {
          try each(try result.get())
        } catch {
          group.cancelAll()
          return error
        }
        add()
      }
      return nil
    }
    if let stop { throw stop }
  }

  private static func put(
    _ chunk: Int,
    of device: any BlockDevice,
    into index: IndexBuilder,
    _ buffers: BufferPool
  ) async -> Result<ChunkDone, BackupStop> {
    let length = index.length(of: chunk)
    let start = Int64(chunk) * Int64(index.chunkSize)
    do throws(BackupStop) {
      let extents = try await fromDisks { () async throws(DiskError) in
        try await device.extents(in: start..<start + Int64(length))
      }
      if extents.allSatisfy(\.isZero) {
        try await fromDatastore { () async throws(DatastoreError) in
          try await index.putZero(chunk: chunk)
        }
        return .success(ChunkDone(length: length, isZero: true))
      }
      let outcome = try await buffers.withBuffer { buffer throws(BackupStop) in
        try await fromDisks { () async throws(DiskError) in
          try await device.read(at: start, into: buffer, count: length)
        }
        return try await fromDatastore { () async throws(DatastoreError) in
          try await index.put(chunk: chunk, buffer, count: length)
        }
      }
      var done = ChunkDone(length: length, bytesRead: Int64(length))
      switch outcome {
      case .new(let bytes): done.bytesWritten = Int64(bytes)
      case .reused: break
      case .zero: done.isZero = true
      }
      return .success(done)
    } catch {
      return .failure(error)
    }
  }

  private func report(done: Int64, total: Int64) {
    let percent = total > 0 ? 1 + Int(Double(done) / Double(total) * 97) : 1
    context.report(
      JobProgress(
        step: BackupStep.read.rawValue,
        bytesDone: done,
        bytesTotal: total,
        percent: min(99, percent),
        message: "Reading the disks"
      )
    )
  }
}
