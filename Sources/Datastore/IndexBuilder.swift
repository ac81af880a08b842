internal import Checksum
package import Disks
internal import Synchronization

/// The index of one disk being written: takes its chunks in any order.
///
/// Several tasks may put chunks at once. Every chunk must be put before `close`.
package final class IndexBuilder: Sendable {
  /// The archive's name, such as `drive-virtio0.img.fidx`.
  package let archive: String
  /// The disk's size in bytes.
  package let size: Int64
  /// How many bytes every chunk but the last has.
  package let chunkSize: Int
  /// How many chunks the disk has.
  package let chunkCount: Int

  private let writer: SnapshotWriter
  private let digests: Mutex<Digests>

  /// What was put so far: compact, as a disk of some TiB has a million.
  private struct Digests {
    private(set) var all: [Digest]
    private var isPut: [Bool]
    private var missing: Int

    init(count: Int) {
      all = Array(repeating: .blank, count: count)
      isPut = Array(repeating: false, count: count)
      missing = count
    }

    /// All of them, if all are there.
    var complete: [Digest]? { missing == 0 ? all : nil }

    subscript(chunk: Int) -> Digest? { isPut[chunk] ? all[chunk] : nil }

    mutating func put(_ digest: Digest, at chunk: Int) {
      all[chunk] = digest
      guard !isPut[chunk] else { return }
      isPut[chunk] = true
      missing -= 1
    }
  }

  init(archive: String, size: Int64, chunkSize: Int, writer: SnapshotWriter) {
    self.archive = archive
    self.size = size
    self.chunkSize = chunkSize
    self.writer = writer
    chunkCount = FixedIndex.chunkCount(size: size, chunkSize: chunkSize)
    digests = Mutex(Digests(count: chunkCount))
  }

  /// How many bytes of the disk a chunk holds: `chunkSize`, or less for the last one.
  package func length(of chunk: Int) -> Int {
    precondition((0..<chunkCount).contains(chunk), "no such chunk")
    return FixedIndex.length(of: chunk, size: size, chunkSize: chunkSize)
  }

  /// Stores the first `count` bytes of `buffer` as a chunk of the disk.
  ///
  /// Nobody may write to the buffer before this returns.
  @discardableResult
  package func put(
    chunk index: Int,
    _ buffer: AlignedBuffer,
    count: Int
  ) async throws(DatastoreError) -> ChunkOutcome {
    precondition(count == length(of: index), "a chunk is put whole")
    let (chunks, writer) = (writer.store.chunks, writer)
    let zero = try await writer.files.run { _ throws(DatastoreError) -> Digest? in
      buffer.withBytes(count) { isZero($0) ? ZeroChunk.digest(byteCount: count) : nil }
    }
    let digest: Digest
    if let zero {
      digest = zero
    } else {
      digest = await writer.store.digests.digest(of: buffer, count: count)
    }
    let outcome: ChunkOutcome
    if writer.hasKept(digest) {
      outcome = zero == nil ? .reused : .zero
    } else {
      let stored = try await writer.files.run { calls throws(DatastoreError) in
        try buffer.withBytes(count) { plain throws(DatastoreError) in
          try chunks.insert(digest, plain, calls)
        }
      }
      writer.didKeep(digest)
      outcome = zero == nil ? stored : .zero
    }
    digests.withLock { $0.put(digest, at: index) }
    writer.store.figures.didStore(outcome)
    if case .new = outcome { _ = writer.claim(digest) }
    return outcome
  }

  /// How many bytes a chunk takes that was put and found to be there already, unless it is the
  /// client's own beyond doubt; then nil.
  ///
  /// A client must not learn whether another one stores some content: what it is told of a chunk
  /// that may be another's is what it would be told of a new one. Asked once of each chunk, after
  /// `put` has found it.
  package func foreignBytes(of chunk: Int) async throws(DatastoreError) -> Int? {
    let digest = digests.withLock { $0[chunk] }
    guard let digest, !writer.claim(digest) else { return nil }
    let layout = writer.store.layout
    return try await writer.files.run { calls throws(DatastoreError) in
      try calls.status(layout.file(of: digest))?.byteCount
    }
  }

  /// Records chunks of zeros without anybody having to read them.
  package func putZeros(chunks indices: [Int]) async throws(DatastoreError) {
    // Only the last chunk may be shorter, so that there are two digests at most.
    let lengths = Set(indices.lazy.map(length(of:)))
    for count in lengths {
      let digest = try await zeroDigest(byteCount: count)
      digests.withLock { digests in
        for index in indices where length(of: index) == count { digests.put(digest, at: index) }
      }
    }
    writer.store.figures.didStore(.zero, count: indices.count)
  }

  private func zeroDigest(byteCount count: Int) async throws(DatastoreError) -> Digest {
    let (chunks, writer) = (writer.store.chunks, writer)
    if let known = ZeroChunk.knownDigest(byteCount: count), writer.hasKept(known) { return known }
    return try await writer.files.run { calls throws(DatastoreError) in
      let digest = ZeroChunk.digest(byteCount: count)
      try zeros(count).withRawBytes { plain throws(DatastoreError) in
        _ = try chunks.insert(digest, plain, calls)
      }
      writer.didKeep(digest)
      return digest
    }
  }

  /// Takes chunks over from an earlier index of the same disk: nobody has written to them since.
  ///
  /// That they are still in the store is for `lostChunks` to see, and at the latest for the
  /// snapshot's `finish`.
  package func reuse(_ earlier: FixedIndex, chunks indices: [Int]) {
    precondition(
      earlier.size == size && earlier.chunkSize == chunkSize,
      "an index of another disk"
    )
    digests.withLock { digests in
      for index in indices { digests.put(earlier.digests[index], at: index) }
    }
    writer.store.figures.didStore(.reused, count: indices.count)
  }

  /// Touches every chunk of the index, all of which must be put, and tells which are gone: those
  /// are to be read and put again.
  package func lostChunks() async throws(DatastoreError) -> [Int] {
    guard let all = digests.withLock(\.complete) else { throw .indexCorrupt(archive) }
    let lost = try await writer.confirm(all)
    guard !lost.isEmpty else { return [] }
    writer.store.figures.didLose(lost.count)
    return all.indices.filter { lost.contains(all[$0]) }
  }

  /// Writes the index file and gives it to the snapshot.
  ///
  /// - Throws: `indexCorrupt` if a chunk was never put.
  package func close() async throws(DatastoreError) {
    guard let complete = digests.withLock(\.complete) else { throw .indexCorrupt(archive) }
    let (archive, size, chunkSize, writer) = (archive, size, chunkSize, writer)
    let index = try await writer.files.run { calls throws(DatastoreError) in
      let index = FixedIndex(size: size, chunkSize: chunkSize, digests: complete)
      let folder = writer.store.layout.folder(of: writer.path)
      let temporary = "\(folder)/\(archive.dropLast("fidx".count))tmp_fidx"
      let uuid = (0..<16).map { _ in UInt8.random(in: 0...UInt8.max) }
      let file = index.file(createdAt: writer.path.time, uuid: uuid)
      try calls.create(temporary, file, sync: true)
      try calls.rename(temporary, to: "\(folder)/\(archive)")
      return index
    }
    writer.add(index, as: archive)
  }
}
