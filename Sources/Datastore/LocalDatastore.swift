package import CoreMetrics
package import Disks
package import Logging
package import Model
internal import Synchronization

/// A store in a folder of this machine, in the layout of a Proxmox Backup Server.
///
/// While a value exists it holds the store's shared lock, so that another process's garbage
/// collection, which wants it alone, stays away from chunks that nothing names yet. Our own makes the
/// lock exclusive while it runs, and minds the writers of this value.
package final class LocalDatastore: Sendable {
  /// Who owns the groups that we make.
  static let owner = "rehome@pbs"

  /// Packed chunks that are read at the same time where nobody brings threads and room of its own.
  private static let ownScratchBuffers = 2

  /// Where the store is.
  package let path: String

  let layout: StoreLayout
  let chunks: ChunkStore
  let files: FileExecutor
  /// Who hashes what backups read, on the store's threads.
  let digests: DigestQueue
  let logger: Logger
  let ownReader: ChunkReader
  let figures: DatastoreFigures
  let clock: StoreClock
  let writers = WriterRegistry()
  let lock: RecordLock
  /// Whether a garbage collection is at work.
  let isCollecting = Mutex(false)

  /// Opens the store at `path`, which blocks for a moment.
  package init(
    path: String,
    sync: SyncLevel,
    executor: BlockingExecutor,
    clock: any WallClock = SystemWallClock(),
    bootID: String? = StillMark.currentBootID(),
    logger: Logger = Logger(label: "rehome.datastore"),
    metrics: any MetricsFactory = NOOPMetricsHandler.instance
  ) throws(DatastoreError) {
    let layout = StoreLayout(root: Self.normalized(path))
    let calls = FileCalls()
    guard try calls.status(layout.chunks)?.isDirectory == true else {
      throw .notADatastore(path: path)
    }
    do throws(RecordLock.Failure) {
      lock = try RecordLock(path: layout.lockFile, mode: .shared)
    } catch {
      throw Self.storeError(error)
    }
    do throws(DatastoreError) {
      try TimestampProbe.run(in: layout.root, calls)
    } catch .outOfSpace {
      // Even a full store is opened, for how else would it be cleaned up?
      try Self.tendReserve(layout, calls)
      try TimestampProbe.run(in: layout.root, calls)
    }
    self.path = layout.root
    self.layout = layout
    self.logger = logger
    figures = DatastoreFigures(metrics)
    let record =
      if sync == .filesystem, let bootID {
        try SyncRecord(layout, bootID: bootID, now: FileCalls.currentSecond, calls)
      } else {
        SyncRecord?.none
      }
    chunks = ChunkStore(layout: layout, sync: sync, syncRecord: record)
    let clock = StoreClock(clock)
    self.clock = clock
    files = FileExecutor(executor, clock: clock)
    digests = DigestQueue(on: executor)
    ownReader = ChunkReader(
      layout: layout,
      threads: executor,
      packed: BufferPool(count: Self.ownScratchBuffers, capacity: FixedIndex.defaultChunkSize),
      digests: digests,
      figures: figures
    )
  }

  /// Makes an empty store at `path`, or completes one that is there; blocks for a second or two.
  package static func create(at path: String) throws(DatastoreError) {
    let layout = StoreLayout(root: normalized(path))
    let calls = FileCalls()
    try makeDirectories(layout.root, calls)
    try calls.makeDirectory(layout.chunks, mode: 0o750)
    // They are made in order: with the last one there, all are.
    let last = layout.chunkFolder(StoreLayout.chunkFolderCount - 1)
    if try calls.status(last) == nil {
      for number in 0..<StoreLayout.chunkFolderCount {
        try calls.makeDirectory(layout.chunkFolder(number), mode: 0o750)
      }
      try calls.syncDirectory(layout.chunks)
    }
    if try calls.status(layout.lockFile) == nil {
      do throws(RecordLock.Failure) {
        _ = try RecordLock(path: layout.lockFile, mode: .shared)
      } catch {
        throw storeError(error)
      }
    }
    try calls.syncDirectory(layout.root)
  }

  // MARK: - Private parts

  private static func normalized(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }

  private static func makeDirectories(
    _ path: String,
    _ calls: FileCalls
  ) throws(DatastoreError) {
    let parts = path.split(separator: "/")
    var prefix = path.hasPrefix("/") ? "/" : ""
    for part in parts {
      prefix += part
      try calls.makeDirectory(prefix)
      prefix += "/"
    }
  }

  static func storeError(_ error: RecordLock.Failure) -> DatastoreError {
    switch error {
    case .busy: .busy
    case .io(let operation, let path, let number):
      .io(operation: operation, path: path, errno: number)
    }
  }
}
