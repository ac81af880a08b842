import Checksum
import Datastore
import Disks
import Model

/// Does the steps of a plan on one disk: fetch, verify, write, read back.
///
/// What comes from the datastore has its SHA-256 before it is written. What was written is flushed,
/// read from the disk again and compared with the buffer that is still there, while other chunks
/// are fetched and written: the disk and the cores never wait for each other.
struct StageFill: Sendable {
  let index: FixedIndex
  let device: any BlockDevice
  let reader: ChunkReader
  /// Lends room for the chunks on their way.
  let buffers: BufferPool
  /// Lends room for what is read back.
  let shadows: BufferPool
  /// Nil: what was written isn't read back.
  let flushes: FlushGroup?
  /// Where comparing is done, so that no thread of Swift's pool is kept from its work.
  let threads: BlockingExecutor
  /// Who hashes what the disk holds, on the same threads.
  let digests: DigestQueue
  let rates: [RateLimiter]
  /// Whether the disk held nothing before: zeros needn't be made.
  let isEmpty: Bool
  /// Nil: nobody looks after the room that is left.
  var space: StageSpace?

  /// Does a step and tells what it moved.
  func perform(_ step: StagePlan.Step) async throws(StepStop) -> StagedRecord {
    switch step {
    case .write(let chunk):
      await spend(index.length(of: chunk))
      return try await buffers.withBuffer { buffer throws(StepStop) in
        try await replace(chunk, buffer)
      }
    case .compare(let chunk):
      let length = index.length(of: chunk)
      await spend(length)
      return try await buffers.withBuffer { buffer throws(StepStop) in
        if try await holds(chunk, buffer) {
          return StagedRecord(bytesReused: Int64(length), bytesCompared: Int64(length))
        }
        for rate in rates { rate.charge(length) }
        return try await replace(chunk, buffer).comparing(length)
      }
    case .zero(let range):
      return try await zero(range)
    }
  }

  private func offset(of chunk: Int) -> Int64 { Int64(chunk) * Int64(index.chunkSize) }

  /// Whether the disk holds a chunk already.
  private func holds(_ chunk: Int, _ buffer: AlignedBuffer) async throws(StepStop) -> Bool {
    let length = index.length(of: chunk)
    try await fromDisks { () async throws(DiskError) in
      try await device.read(at: offset(of: chunk), into: buffer, count: length)
    }
    return await digests.digest(of: buffer, count: length).equals(index.digests[chunk])
  }

  private func replace(
    _ chunk: Int,
    _ buffer: AlignedBuffer
  ) async throws(StepStop) -> StagedRecord {
    let length = index.length(of: chunk)
    try await fromDatastore { () async throws(DatastoreError) in
      try await reader.read(index.digests[chunk], into: buffer, expecting: length)
    }
    let runs = await threads.run {
      buffer.withBytes(length) { dataRuns($0, gap: Limits.zeroRunBytes) }
    }
    let written = runs.reduce(0) { $0 + $1.count }
    // All of it: what is written in runs may take whole clusters of an image, or a file system's.
    try await space?.take(length)
    try await write(runs, of: buffer, length, at: offset(of: chunk))
    try await readBack(chunk, buffer, length)
    return StagedRecord(
      bytesRead: Int64(length),
      bytesWritten: Int64(written),
      bytesZeroed: Int64(length - written)
    )
  }

  /// Writes what isn't zero; the rest takes no room.
  private func write(
    _ runs: [Range<Int>],
    of buffer: AlignedBuffer,
    _ length: Int,
    at offset: Int64
  ) async throws(StepStop) {
    try await fromDisks { () async throws(DiskError) in
      var end = 0
      for run in runs + [length..<length] {
        if !isEmpty, end < run.lowerBound {
          try await device.zero(at: offset + Int64(end), count: Int64(run.lowerBound - end))
        }
        if !run.isEmpty {
          try await device.write(at: offset + Int64(run.lowerBound), from: buffer, part: run)
        }
        end = run.upperBound
      }
    }
  }

  /// Compares what the disk has now with what was written, after it was made durable.
  private func readBack(
    _ chunk: Int,
    _ buffer: AlignedBuffer,
    _ length: Int
  ) async throws(StepStop) {
    guard let flushes else { return }
    // An error here fails the stage for good: a second try could lie.
    try await fromDisks { () async throws(DiskError) in try await flushes.flush() }
    let isSame = try await shadows.withBuffer { shadow throws(StepStop) in
      try await fromDisks { () async throws(DiskError) in
        try await device.read(at: offset(of: chunk), into: shadow, count: length)
      }
      return await threads.run {
        buffer.withBytes(length) { written in
          shadow.withBytes(length) { areEqual(written, $0) }
        }
      }
    }
    guard isSame else { throw .differs }
  }

  private func zero(_ range: Range<Int64>) async throws(StepStop) -> StagedRecord {
    try await fromDisks { () async throws(DiskError) in
      try await device.zero(at: range.lowerBound, count: Int64(range.count))
    }
    return StagedRecord(bytesZeroed: Int64(range.count))
  }

  /// Waits for its turn, before it takes a buffer: who is slow must not keep others from theirs.
  private func spend(_ bytes: Int) async {
    for rate in rates { await rate.spend(bytes) }
  }
}

extension StagedRecord {
  /// The same, after `length` bytes of the disk were read for nothing.
  fileprivate func comparing(_ length: Int) -> StagedRecord {
    var record = self
    record.bytesCompared = Int64(length)
    return record
  }
}
