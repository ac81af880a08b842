import Backup
import CLinux
import Catalog
import Datastore
import Disks
import Foundation
import Hypervisor
import Jobs
import Logging
import Model
import Operations
import Power
import Restore
import Synchronization
import TestSupport
import Testing

/// A whole worker over real parts: libvirt, QEMU, SQLite, files; only the program around it is
/// missing.
struct RestoreWorld: Sendable {
  static let operatorCaller = Caller(identity: .system("test"))

  let libvirt: PrivateLibvirt
  let hypervisor: LibvirtHypervisor
  let catalog: SQLiteCatalog
  let datastore: LocalDatastore
  let operations: Operations
  let folder: String
  let hooks: Hooks
  /// The node's own priority of backups.
  let backupPriority = Adjustable(IOPriority.idle)

  /// What a test does at the moments of a restore.
  final class Hooks: Sendable {
    private let actions = Mutex<[RestoreMoment: @Sendable () async -> Void]>([:])
    /// At what priority the kernel had the threads that a backup's images were opened with.
    var prioritiesOfImages: [Int32] { imagePriorities.withLock { $0 } }
    private let imagePriorities = Mutex<[Int32]>([])
    private let backupActions = Mutex<[BackupMoment: @Sendable () async -> Void]>([:])

    private let sessionRead = Mutex<(@Sendable () async -> Void)?>(nil)
    /// Whether the action before a running guest's read is still to come.
    var isReadOfSessionDue: Bool { sessionRead.withLock { $0 != nil } }

    /// Does something once, before the next read of a running guest's disk.
    func atReadOfSession(_ action: @escaping @Sendable () async -> Void) {
      sessionRead.withLock { $0 = action }
    }

    func readsSession() async {
      await sessionRead.withLock { $0.take() }?()
    }

    private let mapGiven = Mutex<(@Sendable () async -> Void)?>(nil)

    /// Does something once, after it was told what a target's disk holds.
    func atMap(_ action: @escaping @Sendable () async -> Void) {
      mapGiven.withLock { $0 = action }
    }

    func givesMap() async {
      await mapGiven.withLock { $0.take() }?()
    }

    private let known = Mutex<Set<String>>([])

    /// The devices of which something was known when they were last cloned.
    var knownDevices: Set<String> { known.withLock { $0 } }

    func knows(_ device: String, _ isKnown: Bool) {
      known.withLock { if isKnown { $0.insert(device) } else { $0.remove(device) } }
    }

    private let flushesCounted = Mutex<(String, @Sendable () async -> Void)?>(nil)

    /// Does something once, before a disk's flushes are counted.
    func beforeFlushCount(_ device: String, _ action: @escaping @Sendable () async -> Void) {
      flushesCounted.withLock { $0 = (device, action) }
    }

    func countsFlushes(of device: String) async {
      let action = flushesCounted.withLock { waiting -> (@Sendable () async -> Void)? in
        guard let found = waiting, found.0 == device else { return nil }
        waiting = nil
        return found.1
      }
      await action?()
    }

    private let mapAsked = Mutex<(@Sendable () async -> Void)?>(nil)

    /// Does something once, when a target's disk is cloned and it wasn't yet asked what it holds.
    func beforeMap(_ action: @escaping @Sendable () async -> Void) {
      mapAsked.withLock { $0 = action }
    }

    func asksForMap() async {
      await mapAsked.withLock { $0.take() }?()
    }

    private let imageReads = Mutex<(@Sendable (Int32) async -> Void)?>(nil)

    func openedImage(at priority: Int32) {
      imagePriorities.withLock { $0.append(priority) }
    }

    /// Does something before each read of an image, knowing at what priority the read is done.
    func atReadsOfImages(_ action: @escaping @Sendable (Int32) async -> Void) {
      imageReads.withLock { $0 = action }
    }

    func readsImage(at priority: Int32) async {
      await imageReads.withLock { $0 }?(priority)
    }

    func at(_ moment: BackupMoment, _ action: @escaping @Sendable () async -> Void) {
      backupActions.withLock { $0[moment] = action }
    }

    func reached(_ moment: BackupMoment) async {
      await backupActions.withLock { $0.removeValue(forKey: moment) }?()
    }

    func at(_ moment: RestoreMoment, _ action: @escaping @Sendable () async -> Void) {
      actions.withLock { $0[moment] = action }
    }

    func reached(_ moment: RestoreMoment) async {
      await actions.withLock { $0.removeValue(forKey: moment) }?()
    }
  }

  /// Runs `body` in a new world with its worker at work.
  static func with(
    on own: PrivateLibvirt? = nil,
    shutdownTimeout: Duration = .seconds(20),
    confirmTimeout: Duration = .seconds(5),
    scratchMinimumBytes: Int64 = Limits.scratchMinimum,
    verification: RestoreVerification = .readback,
    _ body: @escaping @Sendable (RestoreWorld) async throws -> Void
  ) async throws {
    let libvirt: PrivateLibvirt
    if let own { libvirt = own } else { libvirt = try await PrivateLibvirt.shared() }
    let folder = "\(libvirt.folder)/world-\(UUID().uuidString.prefix(8))"
    for name in ["", "/datastore/.chunks", "/seeds", "/run", "/locks"] {
      try FileManager.default.createDirectory(
        atPath: folder + name,
        withIntermediateDirectories: true
      )
    }
    for (name, mode) in [("", 0o711), ("/seeds", 0o711), ("/run", 0o711)] {
      try FileManager.default.setAttributes(
        [.posixPermissions: mode],
        ofItemAtPath: folder + name
      )
    }
    try FileManager.default.createDirectory(
      atPath: "\(folder)/datastore/.chunks/ffff",
      withIntermediateDirectories: true
    )
    let world = try await RestoreWorld(libvirt: libvirt, folder: folder)
    try await world.operations.registerNode(name: "local", uri: libvirt.uri)
    let worker = world.worker(
      shutdownTimeout: shutdownTimeout,
      confirmTimeout: confirmTimeout,
      scratchMinimumBytes: scratchMinimumBytes,
      verification: verification
    )
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await worker.run() }
        group.addTask { try await body(world) }
        // The worker ends by being cancelled only, so the first to end is the body, or a failure.
        try await group.next()
        group.cancelAll()
      }
    } catch {
      try? FileManager.default.removeItem(atPath: folder)
      throw error
    }
    try FileManager.default.removeItem(atPath: folder)
  }

  private init(libvirt: PrivateLibvirt, folder: String) async throws {
    self.libvirt = libvirt
    self.folder = folder
    hypervisor = libvirt.hypervisor()
    catalog = try SQLiteCatalog(path: "\(folder)/catalog.sqlite")
    datastore = try LocalDatastore(
      path: "\(folder)/datastore",
      sync: .none,
      executor: BlockingExecutor(label: "test.datastore", width: 4)
    )
    operations = Operations(
      catalog: catalog,
      clock: SystemWallClock(),
      policy: OperationsPolicy(allowsInPlace: true)
    )
    hooks = Hooks()
  }

  /// As always, and tells at what priority.
  private func opening() -> SourceOpening {
    var opening = SourceOpening()
    let (hooks, open) = (hooks, opening.image)
    opening.image = { path, format, directory, threads throws(DiskError) in
      hooks.openedImage(at: await threads.run { rehome_current_io_priority() })
      let disk = try await open(path, format, directory, threads)
      return WatchedImage(disk: disk) {
        await hooks.readsImage(at: await threads.run { rehome_current_io_priority() })
      }
    }
    let session = opening.session
    opening.session = { socket, export, context throws(DiskError) in
      var line = try await session(socket, export, context)
      line.device = WatchedImage(disk: line.device) { await hooks.readsSession() }
      return line
    }
    return opening
  }

  private func worker(
    shutdownTimeout: Duration,
    confirmTimeout: Duration,
    scratchMinimumBytes: Int64,
    verification: RestoreVerification
  ) -> Worker {
    let observer = HostObserver(hypervisor: hypervisor, clock: SystemWallClock())
    let buffers = BufferPool(count: 8, capacity: Limits.chunkBytes)
    let logger = Logger(label: "test")
    let hooks = hooks
    let backup = BackupParts(
      catalog: catalog,
      datastore: datastore,
      hypervisor: hypervisor,
      observer: observer,
      clock: SystemWallClock(),
      settings: BackupSettings(
        scratchMinimumBytes: scratchMinimumBytes,
        ioPriority: backupPriority
      ),
      runtimeDirectory: "\(folder)/run",
      opening: opening(),
      logger: logger,
      reached: { await hooks.reached($0) }
    )
    let restore = RestoreHandler(
      parts: RestoreParts(
        catalog: catalog,
        datastore: datastore,
        hypervisor: hypervisor,
        observer: observer,
        buffers: buffers,
        maps: KnownMaps(search: ContentSearch(backup), hooks: hooks),
        clock: SystemWallClock(),
        settings: RestoreSettings(
          shutdownTimeout: shutdownTimeout,
          confirmTimeout: confirmTimeout,
          hypervisorPatience: .seconds(30),
          seedsDirectory: "\(folder)/seeds",
          runtimeDirectory: "\(folder)/run",
          undoDirectory: "\(folder)/undo",
          verification: verification
        ),
        logger: logger,
        reached: { await hooks.reached($0) }
      )
    )
    let power = PowerHandler(
      parts: PowerParts(
        catalog: catalog,
        hypervisor: hypervisor,
        observer: observer,
        settings: PowerSettings(shutdownTimeout: shutdownTimeout),
        logger: logger
      )
    )
    return Worker(
      catalog: catalog,
      node: "local",
      handlers: [
        .backup: BackupHandler(parts: backup), .restore: restore, .undo: restore, .power: power,
      ],
      clock: SystemWallClock(),
      concurrency: Adjustable(2),
      attempts: 3,
      locksDirectory: "\(folder)/locks",
      logger: logger
    )
  }
}

/// An image whose reads a test hears of.
private struct WatchedImage: DiskDouble {
  let disk: any BlockDevice
  let beforeRead: @Sendable () async -> Void

  func read(
    at offset: Int64,
    into buffer: AlignedBuffer,
    count: Int
  ) async throws(DiskError) {
    await beforeRead()
    try await disk.read(at: offset, into: buffer, count: count)
  }
}

extension RestoreWorld {
  /// Registers a guest as a VPS of the one client.
  func register(_ guest: MicroGuest, network: String? = nil) async throws -> VPS {
    let caller = Self.operatorCaller
    if try await operations.clients().isEmpty {
      _ = try await operations.createClient(caller, name: "acme")
    }
    let observer = HostObserver(hypervisor: hypervisor, clock: SystemWallClock())
    return try await operations.addVPS(
      caller,
      VPSRegistration(
        client: "acme",
        node: "local",
        domainName: guest.name,
        domainUUID: guest.uuid,
        name: guest.name,
        network: try network.map(NetworkConfiguration.init(text:))
      ),
      observed: try await observer.observe(guest.reference)
    )
  }

  /// Looks at a VPS's domain and stores what is seen, as the worker does all the time.
  func observe(_ vps: VPS) async throws {
    let observer = HostObserver(hypervisor: hypervisor, clock: SystemWallClock())
    let seen = try await observer.observe(vps.reference)
    try await catalog.write { try $0.setObservation(seen, of: vps.id) }
  }

  /// Makes a backup and waits for it.
  func backUp(_ vps: VPS) async throws -> BackupID {
    try await backUpResult(vps).backupID
  }

  /// Makes a backup, waits for it and gives what came of it.
  func backUpResult(_ vps: VPS) async throws -> BackupResult {
    let job = try await backUpJob(vps)
    guard case .backup(let result) = job.result else {
      throw Unexpected(description: "\(job)")
    }
    return result
  }

  /// Asks for a backup and waits until the job has ended, well or not.
  func backUpJob(_ vps: VPS) async throws -> Job {
    try await observe(vps)
    return try await finished(
      operations.perform(operations.createBackup(Self.operatorCaller, of: vps.id.text))
    )
  }

  /// Accepts a restore.
  func restore(
    _ backup: BackupID,
    of source: VPS,
    onto target: VPS,
    strategy: RestoreStrategy = .staged
  ) async throws -> Job {
    try await observe(target)
    return try await operations.perform(
      operations.restoreFromVPS(
        Self.operatorCaller,
        RestoreRequest(
          target: target.id.text,
          source: source.id.text,
          backup: backup.text,
          strategy: strategy
        )
      )
    )
  }

  /// Waits until a job has ended.
  func finished(_ job: Job) async throws -> Job {
    let deadline = ContinuousClock.now + .seconds(150)
    while true {
      let now = try await operations.job(Self.operatorCaller, job.id.text)
      if now.state.isFinal { return now }
      guard ContinuousClock.now < deadline else {
        throw Unexpected(description: "\(now)")
      }
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  /// What a disk's directory holds besides the disk, the console and the like: stages and undos.
  func leftovers(of guest: MicroGuest) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: guest.folder)
      .filter { $0.contains(".rehome-") }
  }
}

extension Job {
  /// The result of a completed restore.
  func restored() throws -> RestoreResult {
    guard case .restore(let result) = result else {
      throw Unexpected(description: "\(self)")
    }
    return result
  }
}
