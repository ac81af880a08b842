internal import Checksum
internal import Disks
internal import Logging
internal import Synchronization

/// A snapshot being written, which nobody sees before `finish`.
///
/// Several tasks may use it at once. Whoever began one ends it, by `finish` or by `abandon`.
package final class SnapshotWriter: Sendable {
  /// Where the snapshot will stand.
  package let path: SnapshotPath

  let store: LocalDatastore
  /// Where its file calls run.
  let files: FileExecutor
  private let watch: FileSystemWatch
  private let place: WriterRegistry.Place
  private let state: Mutex<State>

  private struct State {
    var phase = Phase.writing
    /// Archives that were begun and aren't written yet.
    var begun: Set<String> = []
    var files: [Manifest.File] = []
    /// The indexes that are closed.
    var indexes: [FixedIndex] = []
    /// Chunks that this writer has stored or found, so that they needn't be looked for again.
    var kept: Set<Digest> = []
    /// Chunks that are the client's own beyond doubt: its newest snapshot of the group holds them,
    /// or it has put them.
    var own: Set<Digest> = []
    /// Chunks that were touched and found whole at the end.
    var confirmed: Set<Digest> = []
  }

  private enum Phase: Equatable {
    case writing, finishing, finished, abandoned
    case failed(DatastoreError)
  }

  init(
    path: SnapshotPath,
    store: LocalDatastore,
    watch: FileSystemWatch,
    place: WriterRegistry.Place,
    own: Set<Digest>,
    threads: BlockingExecutor?
  ) {
    self.path = path
    self.store = store
    files = threads.map(store.files.on) ?? store.files
    self.watch = watch
    self.place = place
    state = Mutex(State(own: own))
  }

  /// Begins the index of a disk, such as `drive-virtio0.img.fidx`.
  package func beginIndex(
    _ archive: String,
    size: Int64,
    chunkSize: Int = FixedIndex.defaultChunkSize
  ) throws(DatastoreError) -> IndexBuilder {
    try SafeName.check(archive)
    guard archive.hasSuffix(".img.fidx") else { throw .invalidName(archive) }
    guard size > 0, FixedIndex.chunkSizes.contains(chunkSize) else {
      throw .indexCorrupt(archive)
    }
    try claim(archive)
    return IndexBuilder(archive: archive, size: size, chunkSize: chunkSize, writer: self)
  }

  /// Writes a blob, such as `qemu-server.conf.blob`.
  package func addBlob(_ name: String, _ bytes: [UInt8]) async throws(DatastoreError) {
    try SafeName.check(name)
    guard name.hasSuffix(".blob"), name != Manifest.fileName else { throw .invalidName(name) }
    try claim(name)
    let target = "\(store.layout.folder(of: path))/\(name)"
    let entry: Manifest.File
    do throws(DatastoreError) {
      entry = try await files.run { calls throws(DatastoreError) in
        let blob = try Self.encode(bytes, or: .blobCorrupt(name))
        try calls.create(target, blob, sync: true)
        return Manifest.File(
          filename: name,
          size: Int64(blob.count),
          checksum: blob.withRawBytes { Digest(sha256: $0) }
        )
      }
    } catch {
      state.withLock { state in _ = state.begun.remove(name) }
      throw error
    }
    state.withLock { state in
      state.begun.remove(name)
      state.files.append(entry)
    }
  }

  /// Makes the snapshot durable and visible, with its manifest as the last step.
  ///
  /// Every chunk is touched first, unless that was just done, and must be there. An error is final, since the kernel tells of
  /// lost data only once: all that is left then is to abandon the snapshot.
  /// - Throws: `chunkMissing` or `chunkCorrupt` naming the chunk, or `indexCorrupt` naming an index
  ///   that was never closed.
  package func finish(
    unprotected: [String: JSONValue] = [:]
  ) async throws(DatastoreError) -> Manifest {
    do throws(DatastoreError) {
      let (files, indexes) = try beginFinishing()
      let manifest = Manifest(
        backupType: path.type,
        backupID: path.id,
        backupTime: path.time,
        files: files.sorted { $0.filename < $1.filename },
        unprotected: unprotected
      )
      for index in indexes {
        guard let lost = try await confirm(index.digests).first else { continue }
        let chunks = store.chunks
        // It says what is wrong with it.
        try await self.files.run { calls throws(DatastoreError) in try chunks.keep(lost, calls) }
        throw .chunkMissing(lost)
      }
      try await publish(manifest)
      state.withLock { $0.phase = .finished }
      place.leave()
      return manifest
    } catch {
      state.withLock { $0.phase = .failed(error) }
      throw error
    }
  }

  /// Removes what was written but for the chunks; nothing happens after `finish`.
  ///
  /// - Returns: Whether nothing of it is left.
  @discardableResult
  package func abandon() async -> Bool {
    let isOurs = state.withLock { state in
      switch state.phase {
      case .writing, .failed:
        state.phase = .abandoned
        return true
      case .finishing, .finished, .abandoned:
        return false
      }
    }
    guard isOurs else { return false }
    defer { place.leave() }
    let (path, layout) = (path, store.layout)
    do throws(DatastoreError) {
      try await files.run { calls throws(DatastoreError) in
        // A manifest may have been named just before its folder could not be synced.
        try calls.removeFile(layout.manifest(of: path))
        try LocalDatastore.removeFolder(of: path, layout, calls)
      }
      return true
    } catch {
      store.logger.warning(
        "an unfinished snapshot could not be removed",
        metadata: ["snapshot": "\(path)", "error": "\(error)"]
      )
      return false
    }
  }
}

// MARK: - For the index builders

extension SnapshotWriter {
  /// Whether this writer has stored or touched a chunk already.
  func hasKept(_ digest: Digest) -> Bool {
    state.withLock { $0.kept.contains(digest) }
  }

  /// Takes a chunk for the client's own from now on, and says whether it was before.
  func claim(_ digest: Digest) -> Bool {
    state.withLock { !$0.own.insert(digest).inserted }
  }

  /// Remembers that a chunk was stored or touched.
  func didKeep(_ digest: Digest) {
    state.withLock { state in _ = state.kept.insert(digest) }
  }

  /// How many chunks are touched in one turn on a thread.
  private static let sliceLength = 1024
  /// How many threads of the job touch chunks at the same time: each look may wait for the disk.
  private static let slicesInFlight = 4

  /// Touches the chunks that weren't yet, in slices, so that others get a turn on the threads.
  ///
  /// - Returns: Those that are gone or cut off.
  func confirm(_ digests: [Digest]) async throws(DatastoreError) -> Set<Digest> {
    let slices = stride(from: 0, to: digests.count, by: Self.sliceLength).map { start in
      digests[start..<min(start + Self.sliceLength, digests.count)]
    }
    var lost: Set<Digest> = []
    try await BoundedWalk.run(slices, width: Self.slicesInFlight) {
      _,
      gone throws(DatastoreError) in
      lost.formUnion(gone)
    } body: { slice throws(DatastoreError) in
      try await self.confirm(slice: slice)
    }
    return lost
  }

  private func confirm(
    slice: ArraySlice<Digest>
  ) async throws(DatastoreError) -> Set<Digest> {
    let chunks = store.chunks
    let new = state.withLock { state in
      // What was looked up before is looked at anew from here on, and its memory goes to this.
      if !state.kept.isEmpty { state.kept = [] }
      return Set(slice).subtracting(state.confirmed)
    }
    guard !new.isEmpty else { return [] }
    let gone = try await files.run { calls throws(DatastoreError) in
      var gone: Set<Digest> = []
      for digest in new where try !chunks.isKept(digest, calls) { gone.insert(digest) }
      return gone
    }
    state.withLock { $0.confirmed.formUnion(new.subtracting(gone)) }
    return gone
  }

  /// Takes a closed index into the snapshot.
  func add(_ index: FixedIndex, as archive: String) {
    state.withLock { state in
      state.begun.remove(archive)
      state.files.append(
        Manifest.File(filename: archive, size: index.size, checksum: index.checksum)
      )
      state.indexes.append(index)
    }
  }
}

// MARK: - Private parts

extension SnapshotWriter {
  /// Takes a name for an archive that is about to be written.
  private func claim(_ name: String) throws(DatastoreError) {
    let isFree = state.withLock { state in
      guard state.phase == .writing, !state.files.contains(where: { $0.filename == name }) else {
        return false
      }
      return state.begun.insert(name).inserted
    }
    guard isFree else { throw .invalidName(name) }
  }

  private func beginFinishing() throws(DatastoreError) -> ([Manifest.File], [FixedIndex]) {
    try state.withLock { state throws(DatastoreError) in
      if case .failed(let error) = state.phase { throw error }
      precondition(state.phase == .writing, "a snapshot is finished once")
      if let archive = state.begun.min() { throw .indexCorrupt(archive) }
      state.phase = .finishing
      return (state.files, state.indexes)
    }
  }

  private static func encode(
    _ bytes: [UInt8],
    or failure: DatastoreError
  ) throws(DatastoreError) -> [UInt8] {
    do throws(BlobError) {
      return try bytes.withRawBytes { payload throws(BlobError) in try DataBlob.encode(payload) }
    } catch {
      throw failure
    }
  }

  private func publish(_ manifest: Manifest) async throws(DatastoreError) {
    let json = try manifest.json()
    let (path, layout, sync, watch) = (path, store.layout, store.chunks.sync, watch)
    let record = store.chunks.syncRecord
    try await files.run { calls throws(DatastoreError) in
      let folder = layout.folder(of: path)
      let blob = try Self.encode(json, or: .manifestCorrupt(path.relative))
      switch sync {
      case .filesystem:
        let begun = FileCalls.currentSecond
        try watch.sync()
        try record?.didSync(before: begun, calls)
      // The folders of chunks, which somebody else may have made and not lived to sync.
      case .file: try calls.syncDirectory(layout.chunks)
      case .none: break
      }
      try calls.syncDirectory(folder)
      let temporary = "\(folder)/index.json.tmp_blob"
      try calls.create(temporary, blob, sync: true)
      try calls.rename(temporary, to: layout.manifest(of: path))
      try calls.syncDirectory(folder)
    }
  }
}
