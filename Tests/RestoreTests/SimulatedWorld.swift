import Backup
import Catalog
import Datastore
import Disks
import Foundation
import Hypervisor
import Jobs
import Logging
import Model
import Operations
import TestSupport

@testable import Restore

/// A worker that restores real files of a machine that exists only in the test: whole jobs in
/// seconds, and faults that a real hypervisor doesn't produce on demand.
struct SimulatedWorld: Sendable {
  static let chunkSize = 1 << 16

  let folder: String
  let bench: DiskBench
  let fixture: CatalogFixture
  let target: VPS
  let host: SimulatedHypervisor
  let hooks = RestoreWorld.Hooks()
  let format: DiskFormat
  var filtering = FirstBootFiltering.auto
  /// How backups open their disks.
  var opening = SourceOpening()
  /// The target's disk.
  var disk: String { "\(folder)/disk.\(format.rawValue)" }
  var undoDirectory: String { "\(folder)/undo" }
  var reference: DomainReference { target.reference }
  var catalog: any Catalog { fixture.catalog }

  /// Makes a target whose disk holds `held`; nobody works yet.
  static func make(
    holding held: [UInt8],
    isRunning: Bool = true,
    format: DiskFormat = .raw,
    in folder: String = ScratchDirectory.path
  ) async throws -> SimulatedWorld {
    try await SimulatedWorld(folder, held, isRunning: isRunning, format)
  }

  /// Makes a target whose disk holds `held`, and runs `body` with a worker at work.
  static func with(
    holding held: [UInt8],
    isRunning: Bool = true,
    format: DiskFormat = .raw,
    attempts: Int = 3,
    in folder: String = ScratchDirectory.path,
    _ body: @escaping @Sendable (SimulatedWorld) async throws -> Void
  ) async throws {
    let world = try await make(holding: held, isRunning: isRunning, format: format, in: folder)
    try await world.working(attempts: attempts) { try await body(world) }
  }

  /// Runs `body` with a worker at work, which then dies, whatever it is doing.
  func working(
    attempts: Int = 3,
    _ body: @escaping @Sendable () async throws -> Void
  ) async throws {
    let worker = worker(attempts: attempts)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await worker.run() }
      group.addTask { try await body() }
      // The worker ends by being cancelled only, so the first to end is the body, or a failure.
      try await group.next()
      group.cancelAll()
    }
  }

  private init(
    _ folder: String,
    _ held: [UInt8],
    isRunning: Bool,
    _ format: DiskFormat
  ) async throws {
    self.folder = folder
    self.format = format
    bench = try DiskBench(folder)
    for name in ["seeds", "run", "locks"] {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/\(name)",
        withIntermediateDirectories: true
      )
    }
    let path = "\(folder)/disk.raw"
    try held.writeSparse(to: path)
    let image = "\(folder)/disk.\(format.rawValue)"
    if format != .raw {
      try await TestProcess.run("qemu-img", ["convert", "-O", format.rawValue, path, image])
    }
    fixture = CatalogFixture(catalog: try SQLiteCatalog(path: "\(folder)/catalog.sqlite"))
    target = try await fixture.vps(of: fixture.client())
    let disk = DomainDisk(targetDevice: "vda", sourcePath: image, format: format.rawValue)
    let description = DomainDescription(
      name: target.domainName,
      uuid: target.domainUUID,
      state: isRunning ? .running : .stopped,
      definition: DomainXML(
        name: target.domainName,
        uuid: target.domainUUID,
        disks: [disk],
        hasAgentChannel: false
      )
    )
    host = SimulatedHypervisor([SimulatedHypervisor.Machine(description)])
  }

  private func worker(attempts: Int) -> Worker {
    let hooks = hooks
    let observer = HostObserver(hypervisor: host, clock: SystemWallClock())
    let backup = BackupParts(
      catalog: catalog,
      datastore: bench.store,
      hypervisor: host,
      observer: observer,
      clock: SystemWallClock(),
      runtimeDirectory: "\(folder)/run",
      opening: opening,
      logger: .quiet
    )
    let handler = RestoreHandler(
      parts: RestoreParts(
        catalog: catalog,
        datastore: bench.store,
        hypervisor: host,
        observer: observer,
        maps: KnownMaps(search: ContentSearch(backup), hooks: hooks),
        clock: SystemWallClock(),
        settings: RestoreSettings(
          confirmTimeout: .seconds(1),
          hypervisorPatience: .seconds(1),
          seedsDirectory: "\(folder)/seeds",
          runtimeDirectory: "\(folder)/run",
          undoDirectory: undoDirectory,
          firstBootFiltering: filtering
        ),
        logger: .quiet,
        reached: { await hooks.reached($0) }
      )
    )
    return Worker(
      catalog: catalog,
      node: CatalogFixture.node,
      handlers: [.backup: BackupHandler(parts: backup), .restore: handler, .undo: handler],
      clock: SystemWallClock(),
      concurrency: Adjustable(1),
      attempts: attempts,
      locksDirectory: "\(folder)/locks",
      logger: .quiet,
      retryDelay: RetryDelay(first: .milliseconds(50))
    )
  }
}

extension SimulatedWorld {
  /// A backup of another VPS of the client that holds `wanted`.
  func backup(
    of wanted: [UInt8],
    chunkSize: Int = SimulatedWorld.chunkSize
  ) async throws -> Backup {
    let source = try await sourceVPS()
    var backup = try await fixture.backup(of: source)
    let (path, index) = try await bench.backUpAt(wanted, chunkSize: chunkSize)
    backup.snapshotPath = path.relative
    backup.contents?.disks = [
      BackupDisk(
        device: "vda",
        bus: "virtio",
        archive: "drive-virtio0.img.fidx",
        sizeBytes: index.size,
        nonZeroBytes: index.size
      )
    ]
    let stored = backup
    try await catalog.write { try $0.update(stored) }
    return stored
  }

  private func sourceVPS() async throws -> VPS {
    let (client, name) = (target.clientID, "source")
    let found = try await catalog.read { try $0.listVPS(VPSFilter()).first { $0.name == name } }
    if let found { return found }
    let source = VPS(
      id: fixture.identifiers.make(),
      clientID: client,
      node: CatalogFixture.node,
      domainName: "domain-source",
      domainUUID: "uuid-source",
      name: name,
      hostname: name,
      createdAt: target.createdAt
    )
    try await catalog.write { try $0.insert(source) }
    return source
  }

  /// Backs the target itself up, and waits for the job's end.
  func backUpTarget() async throws -> Job {
    let row = try await fixture.backup(of: target, state: .creating)
    return try await finished(.backup(BackupTask(backupID: row.id)), holding: nil)
  }

  /// Restores a backup as an accepted request does, and waits for the job's end.
  func restore(
    _ backup: Backup,
    _ strategy: RestoreStrategy = .inPlace,
    bytesPerSecond: Int64? = nil
  ) async throws -> Job {
    try await finished(
      .restore(
        RestoreTask(sourceVPSID: backup.vpsID, backupID: backup.id, strategy: strategy)
      ),
      holding: backup.id,
      bytesPerSecond: bytesPerSecond
    )
  }

  /// Takes a restore back, and waits for the job's end.
  func undo(_ job: Job) async throws -> Job {
    try await finished(.undo(UndoTask(restoreJobID: job.id)), holding: nil)
  }

  private func finished(
    _ task: JobTask,
    holding backup: BackupID?,
    bytesPerSecond: Int64? = nil
  ) async throws -> Job {
    try await finished(try await accept(task, holding: backup, bytesPerSecond: bytesPerSecond))
  }

  /// Puts a job into the catalog.
  func accept(
    _ task: JobTask,
    holding backup: BackupID?,
    bytesPerSecond: Int64? = nil
  ) async throws -> JobID {
    var job = fixture.unstoredJob(of: target)
    job.task = task
    job.limits.bytesPerSecond = bytesPerSecond
    let stored = job
    try await catalog.write { transaction throws in
      try transaction.insert(stored)
      if let backup { try transaction.insertHold(backup: backup, job: stored.id) }
    }
    return stored.id
  }

  /// Waits until a job has ended.
  func finished(_ id: JobID) async throws -> Job {
    let deadline = ContinuousClock.now + .seconds(120)
    while ContinuousClock.now < deadline {
      if let now = try await catalog.read({ try $0.job(id) }), now.state.isFinal {
        return now
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    throw Unexpected(description: "\(id) did not end")
  }

  /// Removes the undos whose time is over, as the worker does all the time.
  func removeExpired(at time: Timestamp) async {
    await UndoCleaner(catalog: catalog, seedsDirectory: "\(folder)/seeds", logger: .quiet)
      .removeExpired(node: CatalogFixture.node, at: time)
  }

  func undoRecord() async throws -> UndoRecord? {
    let id = target.id
    return try await catalog.read { try $0.undo(of: id) }
  }

  func holders(of backup: Backup) async throws -> [JobID] {
    try await catalog.read { try $0.holders(of: backup.id) }
  }

  func logs() -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: undoDirectory)) ?? []
  }

  var contents: [UInt8] {
    get throws { [UInt8](try Data(contentsOf: URL(filePath: disk))) }
  }

  /// A disk of chunks of these letters.
  static func disk(_ letters: String) -> [UInt8] {
    letters.utf8.flatMap { [UInt8](repeating: $0, count: chunkSize) }
  }
}
