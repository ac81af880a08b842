import Checksum
import Datastore
import Disks
import Model

/// Writes a disk over with what an index says, and back, a piece at a time.
///
/// What is about to be written over is saved in the undo log first, durable before the first byte is
/// written. So at any moment each piece of the disk is its former self, saved, or what it is to be.
///
/// On the way forward nothing gives room back to the file system, and zeros take none where there are
/// holes; on the way back what was a hole becomes one again. So what was written over can be put back on a
/// file system that is full.
struct InPlaceFill: Sendable {
  /// Nil: only what is saved is put back, which needs no backup.
  let index: FixedIndex?
  let device: any BlockDevice
  let log: UndoLog
  let reader: ChunkReader
  let buffers: BufferPool
  let shadows: BufferPool
  let flushes: FlushGroup
  let isReadBack: Bool
  let threads: BlockingExecutor
  let rates: [RateLimiter]
  /// Nil: nobody looks after the room that data in holes takes.
  var space: StageSpace?
  /// Nil: nobody looks after the room that the log takes.
  var logSpace: StageSpace?
  /// Asked right before anything is written, and throws what keeps it from that.
  var mayWrite: @Sendable () throws(StepStop) -> Void = { () throws(StepStop) in }

  /// What a piece is to hold.
  private enum Content {
    /// The first bytes are a chunk of the backup, the rest zeros.
    case chunk(Digest, length: Int)
    case zeros
    case saved(Digest)
  }

  /// How many pieces the disk has.
  var pieceCount: Int {
    Int((device.size + Int64(log.pieceSize) - 1) / Int64(log.pieceSize))
  }

  func range(of piece: Int) -> Range<Int64> {
    let start = Int64(piece) * Int64(log.pieceSize)
    return start..<min(device.size, start + Int64(log.pieceSize))
  }

  /// Whether the backup is known to have nothing but zeros here.
  func isZero(_ piece: Int) -> Bool {
    guard let index else { return false }
    return piece >= index.chunkCount || index.isZero(piece)
  }

  /// Makes a piece what the backup says.
  func forward(_ piece: Int) async throws(StepStop) -> StagedRecord {
    try await make(piece, backedUp(piece), saving: true)
  }

  /// Makes a piece what it was before: what was saved, or else what the backup says, since what
  /// wasn't saved was the same.
  func back(_ piece: Int) async throws(StepStop) -> StagedRecord {
    guard let saved = log.digest(of: piece) else {
      return try await make(piece, try backedUp(piece), saving: false)
    }
    return try await make(piece, .saved(saved), saving: false)
  }

  private func backedUp(_ piece: Int) throws(StepStop) -> Content {
    guard let index else {
      throw .operatorNeeded("A piece of the disk was never saved, and its backup isn't open.")
    }
    guard piece < index.chunkCount, !index.isZero(piece) else { return .zeros }
    return .chunk(index.digests[piece], length: index.length(of: piece))
  }

  private func make(
    _ piece: Int,
    _ content: Content,
    saving: Bool
  ) async throws(StepStop) -> StagedRecord {
    let range = range(of: piece)
    for rate in rates { await rate.spend(range.count) }
    return try await buffers.withBuffer { buffer throws(StepStop) in
      var record = StagedRecord(bytesCompared: Int64(range.count))
      try await fromDisks { () async throws(DiskError) in
        try await device.read(at: range.lowerBound, into: buffer, count: range.count)
      }
      let former = await threads.run { Self.differing(buffer, range.count, content) }
      guard let former else {
        record.bytesReused = Int64(range.count)
        return record
      }
      for rate in rates { rate.charge(range.count) }
      if saving, log.digest(of: piece) == nil {
        try mayWrite()
        for rate in rates { rate.charge(range.count) }
        let saved = try await fromDisks { () async throws(DiskError) in
          let holes = try await device.holes(in: range)
          try await log.save(piece, buffer, range.count, digest: former, holes: holes)
          return range.count - holes.reduce(0) { $0 + $1.count }
        }
        try await logSpace?.take(saved)
      }
      try await fetch(content, piece, into: buffer, range.count)
      if saving {
        try await writeForward(buffer, range)
      } else {
        try await writeBack(buffer, range, holes: try await holes(of: piece, content, range.count))
      }
      try await readBack(buffer, range)
      if case .chunk(_, let length) = content { record.bytesRead = Int64(length) }
      record.bytesWritten = Int64(range.count)
      return record
    }
  }

  /// Nil if the buffer holds the content already, else the SHA-256 of what it holds.
  private static func differing(
    _ buffer: AlignedBuffer,
    _ count: Int,
    _ content: Content
  ) -> Digest? {
    buffer.withBytes(count) { bytes in
      switch content {
      case .zeros:
        return Checksum.isZero(bytes) ? nil : Digest(sha256: bytes)
      case .saved(let digest):
        let found = Digest(sha256: bytes)
        return found.equals(digest) ? nil : found
      case .chunk(let digest, let length):
        let found = Digest(sha256: bytes)
        let start = length == count ? found : Digest(sha256: bytes.extracting(0..<length))
        let isSame = start.equals(digest) && Checksum.isZero(bytes.extracting(length..<count))
        return isSame ? nil : found
      }
    }
  }

  private func fetch(
    _ content: Content,
    _ piece: Int,
    into buffer: AlignedBuffer,
    _ count: Int
  ) async throws(StepStop) {
    switch content {
    case .zeros:
      buffer.zero(count)
    case .saved:
      try await fromDisks { () async throws(DiskError) in
        try await log.load(piece, into: buffer, count)
      }
    case .chunk(let digest, let length):
      if length < count { buffer.zero(count) }
      try await fromDatastore { () async throws(DatastoreError) in
        try await reader.read(digest, into: buffer, expecting: length)
      }
    }
  }

  /// What of a piece was a hole when it was saved; nil: it wasn't saved.
  private func holes(
    of piece: Int,
    _ content: Content,
    _ count: Int
  ) async throws(StepStop) -> [Range<Int>]? {
    guard case .saved = content else { return nil }
    return try await fromDisks { () async throws(DiskError) in
      try await log.holes(of: piece, count)
    }
  }

  /// Writes over a piece: zeros where the disk holds something, none where it has holes.
  private func writeForward(
    _ buffer: AlignedBuffer,
    _ range: Range<Int64>
  ) async throws(StepStop) {
    let parts = try await parts(buffer, range)
    if parts.bytesIntoHoles > 0 { try await space?.take(parts.bytesIntoHoles) }
    try await write(buffer, parts.dataAndZeros, at: range.lowerBound)
  }

  /// Puts a piece back, with the holes that it had; of one that comes from the backup, which tells of none,
  /// zeros become a hole if all of it is zero.
  private func writeBack(
    _ buffer: AlignedBuffer,
    _ range: Range<Int64>,
    holes: [Range<Int>]?
  ) async throws(StepStop) {
    guard let holes else {
      let parts = try await parts(buffer, range)
      guard parts.data.isEmpty else {
        return try await write(buffer, parts.dataAndZeros, at: range.lowerBound)
      }
      return try await punch([0..<range.count], at: range.lowerBound)
    }
    try await write(buffer, PieceParts.gaps(between: holes, in: range.count), at: range.lowerBound)
    try await punch(holes, at: range.lowerBound)
  }

  private func parts(
    _ buffer: AlignedBuffer,
    _ range: Range<Int64>
  ) async throws(StepStop) -> PieceParts {
    let extents = try await fromDisks { () async throws(DiskError) in
      try await device.extents(in: range)
    }
    return await threads.run {
      buffer.withBytes(range.count) { PieceParts($0, at: range.lowerBound, over: extents) }
    }
  }

  private func write(
    _ buffer: AlignedBuffer,
    _ parts: [Range<Int>],
    at offset: Int64
  ) async throws(StepStop) {
    try mayWrite()
    try await fromDisks { () async throws(DiskError) in
      for part in parts {
        try await device.write(at: offset + Int64(part.lowerBound), from: buffer, part: part)
      }
    }
  }

  private func punch(_ parts: [Range<Int>], at offset: Int64) async throws(StepStop) {
    try mayWrite()
    try await fromDisks { () async throws(DiskError) in
      for part in parts {
        try await device.zero(at: offset + Int64(part.lowerBound), count: Int64(part.count))
      }
    }
  }

  private func readBack(
    _ buffer: AlignedBuffer,
    _ range: Range<Int64>
  ) async throws(StepStop) {
    guard isReadBack else { return }
    try await fromDisks { () async throws(DiskError) in try await flushes.flush() }
    let isSame = try await shadows.withBuffer { shadow throws(StepStop) in
      try await fromDisks { () async throws(DiskError) in
        try await device.read(at: range.lowerBound, into: shadow, count: range.count)
      }
      return await threads.run {
        buffer.withBytes(range.count) { written in
          shadow.withBytes(range.count) { areEqual(written, $0) }
        }
      }
    }
    guard isSame else { throw .differs }
  }
}

extension BlockDevice {
  /// The parts of a range that are known to be holes, in bytes of the range.
  func holes(in range: Range<Int64>) async throws(DiskError) -> [Range<Int>] {
    try await extents(in: range).filter(\.isZero).map { extent in
      let start = Int(extent.range.lowerBound - range.lowerBound)
      return start..<start + extent.range.count
    }
  }
}
