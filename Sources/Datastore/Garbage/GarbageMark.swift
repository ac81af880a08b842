internal import Checksum
internal import Model

/// The first phase: everything that an index names is touched.
struct GarbageMark: Sendable {
  private let chunks: ChunkStore
  private let files: FileExecutor
  /// What was touched lately; bounded, so that a large store needs no more memory.
  private var marked: Set<Digest> = []
  private(set) var missing: Set<Digest> = []

  init(chunks: ChunkStore, files: FileExecutor) {
    self.chunks = chunks
    self.files = files
  }

  /// Touches everything that the index at `path` names; one that has gone names nothing.
  ///
  /// The index isn't judged: what of it can be read keeps its chunks, also where its head is
  /// damaged. What can't be read for another reason ends the collection.
  mutating func mark(_ path: String) async throws(DatastoreError) {
    guard let kind = IndexKind(path) else { return }
    var offset = IndexKind.headerByteCount
    let count = Limits.garbageMarkBatch * kind.entryByteCount
    while true {
      let start = offset
      let piece = try await files.run { calls throws(DatastoreError) in
        try calls.piece(path, at: start, count: count)
      }
      guard let piece else { return }
      try await touch(Set(Self.digests(in: piece, kind)).subtracting(marked))
      offset += piece.count
      if piece.count < count { return }
    }
  }

  private mutating func touch(_ digests: Set<Digest>) async throws(DatastoreError) {
    let chunks = chunks
    let absent = try await files.run { calls throws(DatastoreError) in
      var absent: Set<Digest> = []
      for digest in digests where try !chunks.markUsed(digest, calls) { absent.insert(digest) }
      return absent
    }
    if marked.count + digests.count > Limits.garbageMarksRemembered { marked = [] }
    marked.formUnion(digests)
    if missing.count < Limits.garbageMarksRemembered { missing.formUnion(absent) }
  }

  private static func digests(in bytes: [UInt8], _ kind: IndexKind) -> [Digest] {
    stride(from: 0, through: bytes.count - kind.entryByteCount, by: kind.entryByteCount)
      .compactMap { start in
        let from = start + kind.digestOffset
        return bytes.withRawBytes(from: from) { rest in
          Digest(bytes: rest.extracting(first: Digest.byteCount))
        }
      }
  }
}

extension ChunkStore {
  /// Keeps a chunk from the sweep, and says whether it is there.
  ///
  /// Of one that isn't, the quarantined files are kept, as long as somebody lacks the chunk.
  func markUsed(_ digest: Digest, _ files: FileCalls) throws(DatastoreError) -> Bool {
    if try files.touch(layout.file(of: digest)) { return true }
    for number in StoreLayout.quarantineNumbers {
      _ = try files.touch(layout.quarantine(of: digest, number))
    }
    return false
  }
}
