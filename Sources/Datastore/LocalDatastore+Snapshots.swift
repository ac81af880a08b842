internal import Checksum
package import Disks

extension LocalDatastore {
  /// Claims a new snapshot of a group, at `epochSeconds` or one second after the newest one.
  ///
  /// Its file calls block on `threads`, or on the store's: calls of a low priority must not wait on the
  /// store's, in front of others.
  package func begin(
    namespace: [String],
    id: String,
    notBefore epochSeconds: Int64,
    threads: BlockingExecutor? = nil
  ) async throws(DatastoreError) -> SnapshotWriter {
    try SnapshotPath.check(namespace: namespace, id: id)
    let (layout, files, sync) = (layout, files, chunks.sync)
    // Before anything is stored or found: a collection that begins later minds it.
    let place = writers.enter(at: clock.now())
    let (path, watch, own) = try await files.run { calls throws(DatastoreError) in
      let watch = try calls.watchFileSystem(of: layout.root)
      try Self.makeGroup(namespace: namespace, id: id, layout, sync, calls)
      let own = try Self.newestDigests(namespace: namespace, id: id, layout, files, calls)
      let path = try Self.claim(
        namespace: namespace,
        id: id,
        notBefore: epochSeconds,
        layout,
        calls
      )
      return (path, watch, own)
    }
    return SnapshotWriter(
      path: path,
      store: self,
      watch: watch,
      place: place,
      own: own,
      threads: threads
    )
  }

  /// Reads a finished snapshot: its manifest and its indexes, checked against each other.
  package func open(_ path: SnapshotPath) async throws(DatastoreError) -> Snapshot {
    let (layout, files) = (layout, files)
    return try await files.run { calls throws(DatastoreError) in
      try Snapshot(path: path, layout: layout, files: files, calls)
    }
  }

  /// Reads a finished snapshot's manifest alone.
  package func manifest(of path: SnapshotPath) async throws(DatastoreError) -> Manifest {
    let layout = layout
    return try await files.run { calls throws(DatastoreError) in
      try Snapshot.manifest(at: path, layout: layout, calls)
    }
  }

  /// The finished snapshots of the whole store, in all namespaces.
  package func finishedSnapshots() async throws(DatastoreError) -> [SnapshotPath] {
    let layout = layout
    return try await files.run { calls throws(DatastoreError) in
      var found: [SnapshotPath] = []
      for path in try Self.allFolders(layout, calls) where try Self.isFinished(path, layout, calls)
      {
        found.append(path)
      }
      return found
    }
  }

  /// The finished snapshots of a group, oldest first.
  package func snapshots(
    namespace: [String],
    id: String
  ) async throws(DatastoreError) -> [SnapshotPath] {
    try SnapshotPath.check(namespace: namespace, id: id)
    let layout = layout
    return try await files.run { calls throws(DatastoreError) in
      var found: [SnapshotPath] = []
      for path in try Self.folders(namespace: namespace, id: id, layout, calls)
      where try Self.isFinished(path, layout, calls) {
        found.append(path)
      }
      return found
    }
  }

  /// Removes a snapshot, finished or not; its chunks stay for garbage collection.
  ///
  /// - Throws: `snapshotNotFound`, or `busy` for one that its owner has marked as protected.
  package func remove(_ path: SnapshotPath) async throws(DatastoreError) {
    let layout = layout
    try await files.run { calls throws(DatastoreError) in
      guard try Self.isThere(path, layout, calls) else {
        throw .snapshotNotFound(path.relative)
      }
      guard try calls.status("\(layout.folder(of: path))/.protected") == nil else { throw .busy }
      // Some file systems need room to remove a file.
      do throws(DatastoreError) {
        try Self.removeFiles(of: path, layout, calls)
      } catch .outOfSpace {
        try Self.tendReserve(layout, calls)
        try Self.removeFiles(of: path, layout, calls)
      }
    }
  }

  /// Removes a snapshot that has no manifest, and says whether there was one to remove.
  ///
  /// A finished snapshot stays as it is.
  @discardableResult
  package func removeUnfinished(_ path: SnapshotPath) async throws(DatastoreError) -> Bool {
    let layout = layout
    return try await files.run { calls throws(DatastoreError) in
      guard try Self.isThere(path, layout, calls), try !Self.isFinished(path, layout, calls) else {
        return false
      }
      try Self.removeFolder(of: path, layout, calls)
      return true
    }
  }

  /// The snapshots without a manifest, in all namespaces.
  ///
  /// Whose they are is not for the store to say: another program may be writing one right now.
  package func unfinished() async throws(DatastoreError) -> [SnapshotPath] {
    let layout = layout
    return try await files.run { calls throws(DatastoreError) in
      var found: [SnapshotPath] = []
      for path in try Self.allFolders(layout, calls)
      where try !Self.isFinished(path, layout, calls) {
        found.append(path)
      }
      return found
    }
  }

  /// Looks at the store: room, snapshots and chunks, which takes a second or so.
  package func status() async throws(DatastoreError) -> DatastoreStatus {
    let layout = layout
    return try await files.run { calls throws(DatastoreError) in
      let space = try calls.space(at: layout.root)
      let folders = try Self.allFolders(layout, calls)
      var finished = 0
      for path in folders where try Self.isFinished(path, layout, calls) { finished += 1 }
      let chunks = try Self.countChunks(layout, calls)
      return DatastoreStatus(
        path: layout.root,
        totalBytes: space.totalBytes,
        freeBytes: space.freeBytes,
        snapshotCount: finished,
        unfinishedCount: folders.count - finished,
        estimatedChunkCount: chunks.count,
        estimatedChunkBytes: chunks.bytes
      )
    }
  }
}

// MARK: - Folders

extension LocalDatastore {
  /// The chunks that the newest finished snapshot of a group names; none where it can't be read.
  private static func newestDigests(
    namespace: [String],
    id: String,
    _ layout: StoreLayout,
    _ files: FileExecutor,
    _ calls: FileCalls
  ) throws(DatastoreError) -> Set<Digest> {
    for path in try folders(namespace: namespace, id: id, layout, calls).reversed()
    where try isFinished(path, layout, calls) {
      let newest = try? Snapshot(path: path, layout: layout, files: files, calls)
      return Set(newest?.indexes.values.flatMap(\.digests) ?? [])
    }
    return []
  }

  private static func removeFiles(
    of path: SnapshotPath,
    _ layout: StoreLayout,
    _ calls: FileCalls
  ) throws(DatastoreError) {
    // Without its manifest a snapshot is invisible; the rest may then go in any order.
    if try calls.removeFile(layout.manifest(of: path)) {
      try calls.syncDirectory(layout.folder(of: path))
    }
    try removeFolder(of: path, layout, calls)
  }

  /// Whether a snapshot has a folder; one that hasn't is gone for good.
  ///
  /// Who removed it may have died before that was durable, and whoever is told that it is gone forgets it.
  private static func isThere(
    _ path: SnapshotPath,
    _ layout: StoreLayout,
    _ calls: FileCalls
  ) throws(DatastoreError) -> Bool {
    if try calls.status(layout.folder(of: path))?.isDirectory == true { return true }
    let group = layout.group(namespace: path.namespace, id: path.id)
    if try calls.status(group)?.isDirectory == true { try calls.syncDirectory(group) }
    return false
  }

  /// Removes what a snapshot without manifest consists of, and the folder with it.
  static func removeFolder(
    of path: SnapshotPath,
    _ layout: StoreLayout,
    _ calls: FileCalls
  ) throws(DatastoreError) {
    let folder = layout.folder(of: path)
    for name in try calls.names(in: folder) ?? [] { try calls.removeFile("\(folder)/\(name)") }
    try calls.removeDirectory(folder)
    try calls.syncDirectory(layout.group(namespace: path.namespace, id: path.id))
  }

  private static func isFinished(
    _ path: SnapshotPath,
    _ layout: StoreLayout,
    _ calls: FileCalls
  ) throws(DatastoreError) -> Bool {
    try calls.status(layout.manifest(of: path)) != nil
  }

  /// Makes the folders down to a group, and says in the group whose it is.
  private static func makeGroup(
    namespace: [String],
    id: String,
    _ layout: StoreLayout,
    _ sync: SyncLevel,
    _ calls: FileCalls
  ) throws(DatastoreError) {
    let group = SnapshotPath.group(namespace: namespace, id: id)
    var folder = layout.root
    for part in group.split(separator: "/") {
      let parent = folder
      folder += "/\(part)"
      let isNew = try calls.makeDirectory(folder)
      // Also one that is there: who made it may have died, or failed, before it was durable. A sync of
      // the whole file system, before the manifest, is for all of them.
      if isNew || sync != .filesystem { try calls.syncDirectory(parent) }
    }
    let owner = "\(folder)/owner"
    guard try calls.status(owner) == nil else { return }
    let temporary = "\(owner).tmp_\(String(UInt64.random(in: 0...UInt64.max), radix: 16))"
    try calls.create(temporary, Array("\(self.owner)\n".utf8), sync: true)
    try calls.rename(temporary, to: owner)
    try calls.syncDirectory(folder)
  }

  /// Claims a time in a group by making its folder, which only one can.
  private static func claim(
    namespace: [String],
    id: String,
    notBefore: Int64,
    _ layout: StoreLayout,
    _ calls: FileCalls
  ) throws(DatastoreError) -> SnapshotPath {
    let last = try folders(namespace: namespace, id: id, layout, calls).last
    var time = max(notBefore, (last?.time ?? 0) + 1)
    while true {
      let path = try SnapshotPath(namespace: namespace, id: id, time: time)
      if try calls.makeDirectory(layout.folder(of: path)) {
        try calls.syncDirectory(layout.group(namespace: namespace, id: id))
        return path
      }
      time += 1
    }
  }

  /// All snapshots of a group, finished or not, oldest first.
  private static func folders(
    namespace: [String],
    id: String,
    _ layout: StoreLayout,
    _ calls: FileCalls
  ) throws(DatastoreError) -> [SnapshotPath] {
    let names = try calls.names(in: layout.group(namespace: namespace, id: id)) ?? []
    return names.compactMap { name in
      SnapshotPath.time(named: name).flatMap {
        try? SnapshotPath(namespace: namespace, id: id, time: $0)
      }
    }.sorted { $0.time < $1.time }
  }

  /// All snapshots of the store, finished or not.
  private static func allFolders(
    _ layout: StoreLayout,
    _ calls: FileCalls
  ) throws(DatastoreError) -> [SnapshotPath] {
    var found: [SnapshotPath] = []
    var namespaces: [[String]] = [[]]
    while let namespace = namespaces.popLast() {
      let base = ([layout.root] + namespace.map { "ns/\($0)" }).joined(separator: "/")
      for id in try calls.names(in: "\(base)/vm") ?? [] where SafeName.isValid(id) {
        found += try folders(namespace: namespace, id: id, layout, calls)
      }
      guard namespace.count < SnapshotPath.maximumNamespaceDepth else { continue }
      for name in try calls.names(in: "\(base)/ns") ?? [] where SafeName.isValid(name) {
        namespaces.append(namespace + [name])
      }
    }
    return found.sorted { $0.relative < $1.relative }
  }

  /// Counts the chunks in every 256th folder, over which digests spread evenly; in all of them if
  /// that finds too few to say anything.
  private static func countChunks(
    _ layout: StoreLayout,
    _ calls: FileCalls
  ) throws(DatastoreError) -> (count: Int, bytes: Int64) {
    let step = 256
    let sample = try countChunks(inEvery: step, layout, calls)
    guard sample.count >= step else { return try countChunks(inEvery: 1, layout, calls) }
    return (sample.count * step, sample.bytes * Int64(step))
  }

  private static func countChunks(
    inEvery step: Int,
    _ layout: StoreLayout,
    _ calls: FileCalls
  ) throws(DatastoreError) -> (count: Int, bytes: Int64) {
    var count = 0
    var bytes: Int64 = 0
    for number in stride(from: 0, to: StoreLayout.chunkFolderCount, by: step) {
      let folder = layout.chunkFolder(number)
      for name in try calls.names(in: folder) ?? [] where Digest(hex: name) != nil {
        guard let status = try calls.status("\(folder)/\(name)") else { continue }
        count += 1
        bytes += Int64(status.byteCount)
      }
    }
    return (count, bytes)
  }
}
