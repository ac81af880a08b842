import API
import Catalog
import Disks
import Foundation
import HummingbirdTesting
import Logging
import Model
import Monitoring
import Operations
import Synchronization
import TestSupport

/// The port that a server told it listens on.
private final class ListeningPort: Sendable {
  let number = Mutex<Int?>(nil)
}

/// Two clients, their VPSs, backups and keys in a catalog of their own, with the API before it.
struct World: Sendable {
  static let start = ManualClock.usualStart

  /// Limits that no test meets by chance, for the clock stands still.
  static var unlimited: RateLimits {
    let limit = RateLimit(perMinute: 1_000_000, burst: 1_000_000)
    return RateLimits(read: limit, write: limit, power: limit, address: limit)
  }

  let clock: ManualClock
  /// What the server itself waits with: apart, so that whoever waits for a sleeper of their own
  /// doesn't meet the server.
  let pulse = ManualClock()
  /// Where the catalog is, for a second process's view of it.
  let catalogPath: String
  let operations: Operations
  let server: APIServer
  let readiness: Readiness
  let figures: MetricRegistry
  private let port: ListeningPort
  let system = Caller(identity: .system("test"))

  /// The client that asks.
  let client: Client
  /// The VPS that gets backups.
  let target: VPS
  /// The VPS that backups were made of.
  let source: VPS
  /// A complete backup of the source.
  let backup: Backup
  /// A VPS of another client, with a backup.
  let foreign: VPS
  let foreignBackup: Backup
  /// Opens everything of the client.
  let key: String
  /// Opens everything of the other client.
  let foreignKey: String

  /// A world has some twenty open files, and systems give a process a thousand.
  private static let turns = AsyncSlots(count: 32)

  /// Makes a world, runs a test in it, and removes it.
  static func with<Value: Sendable>(
    typeBase: String = "https://developer.hostup.se/errors/",
    configure: @Sendable (inout APIConfiguration) -> Void = { _ in },
    identity: TLSIdentity? = nil,
    liveStatus: (any LiveStatusSource)? = nil,
    logger: Logger? = nil,
    _ body: @Sendable (World, any TestClientProtocol) async throws -> Value
  ) async throws -> Value {
    await turns.acquire()
    defer { turns.release() }
    return try await withScratchDirectory { directory in
      var configuration = APIConfiguration(port: 0, typeBase: typeBase)
      configuration.rates = unlimited
      configure(&configuration)
      let world = try await World(
        directory: directory,
        configuration: configuration,
        identity: identity,
        liveStatus: liveStatus,
        logger: logger
      )
      return try await world.server.application.test(.router) { client in
        try await body(world, client)
      }
    }
  }

  private init(
    directory: String,
    configuration: APIConfiguration,
    identity: TLSIdentity?,
    liveStatus: (any LiveStatusSource)?,
    logger own: Logger?
  ) async throws {
    clock = ManualClock(Self.start)
    catalogPath = directory + "/catalog.sqlite"
    var usual = Logger(label: "rehome.tests")
    usual.logLevel = .error
    let logger = own ?? usual
    operations = Operations(
      catalog: try SQLiteCatalog(path: catalogPath),
      clock: clock,
      logger: logger,
      liveStatus: liveStatus
    )
    let port = ListeningPort()
    self.port = port
    readiness = Readiness(parts: operations.parts, clock: clock, timer: clock.timer)
    figures = MetricRegistry()
    server = APIServer(
      operations: operations,
      readiness: readiness,
      configuration: configuration,
      identity: identity,
      clock: clock,
      timer: pulse.timer,
      logger: logger,
      metrics: figures
    ) { number in
      port.number.withLock { $0 = number }
    }

    try await operations.registerNode(name: "local", uri: "test:///default")
    client = try await operations.createClient(system, name: "first")
    let other = try await operations.createClient(system, name: "second")
    target = try await Self.addVPS("target", of: client, address: "192.0.2.20", operations)
    source = try await Self.addVPS("source", of: client, address: "192.0.2.10", operations)
    foreign = try await Self.addVPS("foreign", of: other, address: "192.0.2.30", operations)
    backup = try await Self.addBackup(of: source, operations)
    foreignBackup = try await Self.addBackup(of: foreign, operations)
    key = try await Self.addKey(of: client, Scope.allCases, operations)
    foreignKey = try await Self.addKey(of: other, Scope.allCases, operations)
  }

  private static let system = Caller(identity: .system("test"))

  private static func addVPS(
    _ name: String,
    of client: Client,
    address: String,
    _ operations: Operations
  ) async throws -> VPS {
    try await operations.addVPS(
      system,
      VPSRegistration(
        client: client.id.text,
        node: "local",
        domainName: name,
        domainUUID: UUID().uuidString.lowercased(),
        name: name,
        network: try NetworkConfiguration(
          text: "version: 2\nethernets:\n  e0:\n    addresses: [\(address)/24]\n"
        )
      ),
      observed: quiet
    )
  }

  /// A machine at rest, with one disk of 10 GiB on a roomy host.
  static let quiet = Observation(
    observedAt: start,
    powerState: .running,
    disks: [
      ObservedDisk(
        device: "vda",
        bus: "virtio",
        storage: .file,
        format: "qcow2",
        path: "/var/lib/machines/disk.qcow2",
        sizeBytes: 10_737_418_240,
        freeBytes: 107_374_182_400
      )
    ],
    macAddresses: ["52:54:00:00:00:01"],
    cpuCores: 2,
    memoryBytes: 2_147_483_648
  )

  static func contents(sizeBytes: Int64 = 10_737_418_240) -> BackupContents {
    BackupContents(
      disks: [
        BackupDisk(
          device: "vda",
          bus: "virtio",
          archive: "drive-virtio0.img.fidx",
          sizeBytes: sizeBytes,
          nonZeroBytes: 1_073_741_824
        )
      ],
      firmware: .bios,
      hasTPM: false,
      isFrozen: true
    )
  }
}

extension World {
  /// Where the server listens; nil before it does.
  func listeningPort() -> Int? { port.number.withLock { $0 } }

  /// The port, once the server listens.
  func whenListening() async throws -> Int {
    while true {
      if let port = listeningPort() { return port }
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}

// MARK: - Changing the world

extension World {
  /// The key's text of a new key.
  func newKey(_ scopes: [Scope], lifetime: Duration? = nil) async throws -> String {
    try await Self.addKey(of: client, scopes, lifetime: lifetime, operations)
  }

  /// A new key that was revoked at once.
  func revokedKey() async throws -> String {
    let made = try await operations.createKey(
      system,
      client: client.id.text,
      scopes: Scope.allCases,
      lifetime: nil
    )
    _ = try await operations.revokeKey(system, made.key.id.text)
    return made.text.secret.reveal()
  }

  private static func addKey(
    of client: Client,
    _ scopes: [Scope],
    lifetime: Duration? = nil,
    _ operations: Operations
  ) async throws -> String {
    try await operations.createKey(
      system,
      client: client.id.text,
      scopes: scopes,
      lifetime: lifetime
    ).text.secret.reveal()
  }

  /// A complete backup, changed as a test needs it.
  static func addBackup(
    of vps: VPS,
    _ operations: Operations,
    _ change: @Sendable (inout Backup) -> Void = { _ in }
  ) async throws -> Backup {
    let now = operations.clock.now()
    var made = Backup(
      id: operations.identifiers.make(),
      clientID: vps.clientID,
      vpsID: vps.id,
      state: .complete,
      type: .manual,
      note: "before the update",
      createdAt: now,
      snapshotPath: "ns/\(vps.clientID)/vm/\(vps.id)/\(UUID().uuidString)",
      contents: contents()
    )
    change(&made)
    let backup = made
    try await operations.write { try $0.insert(backup) }
    return backup
  }

  func addBackup(
    of vps: VPS,
    _ change: @Sendable (inout Backup) -> Void = { _ in }
  ) async throws -> Backup {
    try await Self.addBackup(of: vps, operations, change)
  }

  /// Lets a VPS have so many backups.
  func limitBackups(of vps: VPS, to limit: Int) async throws {
    var changed = vps
    changed.backupLimit = limit
    let vps = changed
    try await operations.write { try $0.update(vps) }
  }

  /// Shows a worker's sign of life.
  func beat() async throws {
    let now = clock.now()
    try await operations.write { try $0.recordHeartbeat(node: "local", at: now) }
  }

  /// The text of a key that nobody was given.
  func unknownKey() -> String {
    var generator = SystemRandomNumberGenerator()
    return KeyText(id: operations.identifiers.make(), using: &generator).secret.reveal()
  }

  /// Changes what the worker saw of a VPS.
  func observe(_ vps: VPS, _ change: (inout Observation) -> Void) async throws {
    var changed = Self.quiet
    change(&changed)
    let observation = changed
    try await operations.write { try $0.setObservation(observation, of: vps.id) }
  }

  /// Changes where a VPS stands commercially.
  func setStatus(_ status: ServiceStatus, of vps: VPS) async throws {
    var changed = vps
    changed.serviceStatus = status
    let vps = changed
    try await operations.write { try $0.update(vps) }
  }

  /// A job of the target, put into the catalog as a test needs it.
  func addJob(
    _ task: JobTask? = nil,
    _ change: (inout Job) -> Void = { _ in }
  ) async throws -> Job {
    var made = Job(
      id: operations.identifiers.make(),
      clientID: client.id,
      vpsID: target.id,
      node: "local",
      task: task
        ?? .restore(RestoreTask(sourceVPSID: source.id, backupID: backup.id)),
      createdAt: clock.now()
    )
    change(&made)
    let job = made
    try await operations.write { try $0.insert(job) }
    return job
  }

  /// A daily schedule of the target.
  func addSchedule() async throws -> BackupSchedule {
    try await operations.perform(
      operations.addSchedule(
        system,
        of: target.id.text,
        ScheduleRequest(
          name: nil,
          timing: ScheduleTiming(frequency: .daily, hour: 3),
          retentionCount: 7,
          isEnabled: true
        )
      )
    ).schedule
  }

  /// A restore of the target that is between its stop and its start.
  func addStoppedRestore() async throws -> Job {
    let job = try await addJob()
    let now = clock.now()
    let lease = Lease(jobID: job.id, token: "worker", until: now.advanced(by: .seconds(30)))
    try await operations.write { transaction in
      _ = try transaction.claimJob(
        node: "local",
        token: lease.token,
        now: now,
        leaseUntil: lease.until
      )
      _ = try transaction.appendStep(
        name: JournalStep.stop,
        phase: .begun,
        detail: "{}",
        at: now,
        lease: lease
      )
    }
    return job
  }

  /// A completed restore of the target that can be taken back for a day.
  func addUndoableRestore() async throws -> Job {
    let until = clock.now().advanced(by: .seconds(86_400))
    let job = try await addJob {
      $0.state = .completed
      $0.finishedAt = $0.createdAt
    }
    let record = UndoRecord(
      vpsID: target.id,
      restoreJobID: job.id,
      until: until,
      detail: "{}",
      sizeBytes: 1
    )
    try await operations.write { try $0.insert(record) }
    return job
  }
}
