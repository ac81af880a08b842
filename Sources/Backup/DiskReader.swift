import Datastore
import Disks
import Model

/// What is known of a disk before it is read.
struct KnownContent: Sendable {
  /// The index of an earlier backup.
  let index: FixedIndex
  /// The parts of a range that may differ from it.
  let changes: @Sendable (Range<Int64>) async throws(DiskError) -> [Range<Int64>]
}

/// What some of a disk's chunks came to.
struct ReadCount: Sendable, Equatable {
  var bytesDone: Int64 = 0
  var bytesRead: Int64 = 0
  var bytesWritten: Int64 = 0
  var bytesReused: Int64 = 0
  var bytesNonZero: Int64 = 0

  static func += (count: inout ReadCount, more: ReadCount) {
    count.bytesDone += more.bytesDone
    count.bytesRead += more.bytesRead
    count.bytesWritten += more.bytesWritten
    count.bytesReused += more.bytesReused
    count.bytesNonZero += more.bytesNonZero
  }
}

/// Reads one disk into its index: neither holes nor what hasn't changed since an earlier backup.
///
/// The disk's map is asked for in windows, so that the work follows what changed and the memory
/// doesn't follow the disk's size.
struct DiskReader: Sendable {
  let source: SourceDisk
  let index: IndexBuilder
  let buffers: BufferPool
  /// What is read passes here first.
  var rates: [RateLimiter] = []

  /// Reads the whole disk; `each` is told of every step and may end it by throwing.
  func readAll(
    _ each: (ReadCount) throws(BackupStop) -> Void
  ) async throws(BackupStop) {
    let stop = await withTaskGroup(of: Result<ReadCount, BackupStop>.self) {
      group -> BackupStop? in
      do throws(BackupStop) {
        var inFlight = 0
        for first in stride(from: 0, to: index.chunkCount, by: Limits.chunksInMapWindow) {
          let window = first..<min(index.chunkCount, first + Limits.chunksInMapWindow)
          let plan = try await plan(window)
          try each(try await take(plan))
          for chunk in plan.reads {
            if inFlight == Limits.chunksInFlight, let done = await group.next() {
              inFlight -= 1
              try each(try done.get())
            }
            group.addTask { await read(chunk) }
            inFlight += 1
          }
        }
        while let done = await group.next() { try each(try done.get()) }
        return nil
      } catch {
        group.cancelAll()
        return error
      }
    }
    if let stop { throw stop }
  }

  /// Reads what the datastore has lost again, until nothing is missing.
  ///
  /// - Parameter goOn: Is asked before each chunk, and may end it by throwing.
  /// - Returns: What that came to, for chunks that were counted once already.
  /// - Throws: What `goOn` throws, or what keeps a chunk from being read or stored.
  func readLostChunks(
    _ goOn: () throws(BackupStop) -> Void
  ) async throws(BackupStop) -> ReadCount {
    var total = ReadCount()
    for _ in 1...Limits.lostChunkRounds {
      let lost = try await fromDatastore { () async throws(DatastoreError) in
        try await index.lostChunks()
      }
      guard !lost.isEmpty else { return total }
      for chunk in lost {
        try goOn()
        let count = try await read(ChunkRead(chunk: chunk, dataCount: nil)).get()
        total.bytesRead += count.bytesRead
        total.bytesWritten += count.bytesWritten
      }
    }
    throw .because(.internalError, "The datastore loses chunks.", isTransient: true)
  }

  // MARK: - What is to be done

  /// A chunk to read, and how many of its first bytes may be other than zero; nil: all.
  private struct ChunkRead: Sendable {
    var chunk: Int
    var dataCount: Int?
  }

  /// What becomes of the chunks of a window.
  private struct Plan {
    var kept: [Int] = []
    var zeros: [Int] = []
    var reads: [ChunkRead] = []
  }

  private func plan(_ window: Range<Int>) async throws(BackupStop) -> Plan {
    var plan = Plan()
    var changed = window.map { _ in true }
    if let known = source.known {
      changed = window.map { _ in false }
      let ranges = try await fromDisks { () async throws(DiskError) in
        try await known.changes(bytes(of: window))
      }
      for range in ranges where !range.isEmpty {
        let last = chunk(at: range.upperBound - 1)
        for chunk in chunk(at: range.lowerBound)...last {
          changed[chunk - window.lowerBound] = true
        }
      }
    }
    var chunk = window.lowerBound
    while chunk < window.upperBound {
      guard changed[chunk - window.lowerBound] else {
        plan.kept.append(chunk)
        chunk += 1
        continue
      }
      var end = chunk
      while end < window.upperBound, changed[end - window.lowerBound] { end += 1 }
      try await planReads(of: chunk..<end, &plan)
      chunk = end
    }
    return plan
  }

  /// Tells zeros from data in chunks that have changed, or may have.
  private func planReads(of chunks: Range<Int>, _ plan: inout Plan) async throws(BackupStop) {
    let extents = try await fromDisks { () async throws(DiskError) in
      try await source.device.extents(in: bytes(of: chunks))
    }
    var dataEnds = chunks.map { _ in Int64(0) }
    for extent in extents where !extent.isZero && !extent.range.isEmpty {
      let first = chunk(at: extent.range.lowerBound)
      for chunk in first...chunk(at: extent.range.upperBound - 1) {
        let range = bytes(of: chunk..<chunk + 1)
        let end = min(extent.range.upperBound, range.upperBound) - range.lowerBound
        dataEnds[chunk - chunks.lowerBound] = max(dataEnds[chunk - chunks.lowerBound], end)
      }
    }
    for (chunk, end) in zip(chunks, dataEnds) {
      if end == 0 {
        plan.zeros.append(chunk)
      } else {
        plan.reads.append(ChunkRead(chunk: chunk, dataCount: Int(end)))
      }
    }
  }

  private func bytes(of chunks: Range<Int>) -> Range<Int64> {
    let size = Int64(index.chunkSize)
    return Int64(chunks.lowerBound) * size..<min(index.size, Int64(chunks.upperBound) * size)
  }

  private func chunk(at offset: Int64) -> Int { Int(offset / Int64(index.chunkSize)) }

  // MARK: - Doing it

  /// Records what needs no reading.
  private func take(_ plan: Plan) async throws(BackupStop) -> ReadCount {
    var count = ReadCount()
    if let known = source.known, !plan.kept.isEmpty {
      index.reuse(known.index, chunks: plan.kept)
      for chunk in plan.kept {
        let length = Int64(index.length(of: chunk))
        count.bytesDone += length
        count.bytesReused += length
        if !known.index.isZero(chunk) { count.bytesNonZero += length }
      }
    }
    if !plan.zeros.isEmpty {
      try await fromDatastore { () async throws(DatastoreError) in
        try await index.putZeros(chunks: plan.zeros)
      }
      for chunk in plan.zeros {
        count.bytesDone += Int64(index.length(of: chunk))
        count.bytesReused += Int64(index.length(of: chunk))
      }
    }
    return count
  }

  private func read(_ chunk: ChunkRead) async -> Result<ReadCount, BackupStop> {
    let length = index.length(of: chunk.chunk)
    let dataCount = chunk.dataCount ?? length
    // Before a buffer is taken: who waits for the rate keeps nothing from others.
    for rate in rates { await rate.spend(dataCount) }
    do throws(BackupStop) {
      let (outcome, foreign) = try await buffers.withBuffer { buffer throws(BackupStop) in
        // A buffer holds what its last borrower left.
        if dataCount < length { buffer.zero(length) }
        try await fromDisks { () async throws(DiskError) in
          try await source.device.read(
            at: Int64(chunk.chunk) * Int64(index.chunkSize),
            into: buffer,
            count: dataCount
          )
        }
        return try await fromDatastore { () async throws(DatastoreError) -> (ChunkOutcome, Int?) in
          let outcome = try await index.put(chunk: chunk.chunk, buffer, count: length)
          guard outcome == .reused else { return (outcome, nil) }
          let foreign = try await index.foreignBytes(of: chunk.chunk)
          return (outcome, foreign)
        }
      }
      var count = ReadCount(bytesDone: Int64(length), bytesRead: Int64(dataCount))
      switch outcome {
      case .new(let bytes):
        count.bytesWritten = Int64(bytes)
        count.bytesNonZero = Int64(length)
      case .reused:
        // Written as far as its client is told, unless nobody else can have stored it.
        if let foreign {
          count.bytesWritten = Int64(foreign)
        } else {
          count.bytesReused = Int64(length)
        }
        count.bytesNonZero = Int64(length)
      case .zero:
        count.bytesReused = Int64(length)
      }
      return .success(count)
    } catch {
      return .failure(error)
    }
  }
}
