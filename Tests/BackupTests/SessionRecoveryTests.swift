import Catalog
import Foundation
import Hypervisor
import Logging
import Model
import Operations
import TestSupport
import Testing

@testable import Backup

/// What a worker does about backups that another has left behind.
@Suite(.scratchDirectory) struct SessionRecoveryTests {
  /// A catalog with a job, and a host whose machine is in that job's session, its guest frozen.
  private struct World {
    let fixture: CatalogFixture
    let job: Job
    let vps: VPS
    let host: SimulatedHypervisor
    let recovery: SessionRecovery
    let folder: String

    init(_ task: JobTask? = nil) async throws {
      fixture = CatalogFixture(
        catalog: try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite")
      )
      vps = try await fixture.vps(of: fixture.client())
      var row = fixture.unstoredJob(of: vps)
      if let task { row.task = task }
      let stored = row
      job = stored
      try await fixture.catalog.write { try $0.insert(stored) }
      host = SimulatedHypervisor([
        SimulatedHypervisor.Machine(
          DomainDescription(
            name: vps.domainName,
            uuid: vps.domainUUID,
            state: .running,
            definition: DomainXML(name: vps.domainName, uuid: vps.domainUUID, disks: [])
          )
        )
      ])
      let run = "\(ScratchDirectory.path)/run"
      folder = "\(run)/\(job.id)"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      recovery = SessionRecovery(
        catalog: fixture.catalog,
        hypervisor: host,
        runtimeDirectory: run,
        clock: SystemWallClock(),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      )
    }

    /// Begins a session in a folder, with the guest frozen and then stopped by a full host.
    func begin(in folder: String) async throws {
      let disk = BackupRequest.Disk(
        targetDevice: "vda",
        exportName: "vda",
        scratchPath: "\(folder)/vda.scratch"
      )
      _ = try await host.freeze(vps.reference, timeout: .seconds(1))
      try await host.beginBackup(
        of: vps.reference,
        BackupRequest(socketPath: "\(folder)/nbd", disks: [disk])
      )
    }

    func machine() async throws -> SimulatedHypervisor.Machine {
      try await host.change(vps.domainName) { $0 }
    }

    func endJob() async throws {
      let lease = try #require(try await fixture.claim())
      #expect(try await fixture.catalog.write { try CatalogFixture.fail(lease, $0) })
    }
  }

  @Test func `at a worker's start guests are thawed, also those whose jobs go on`() async throws {
    let world = try await World()
    try await world.begin(in: world.folder)
    await world.recovery.endOrphanedSessions()
    #expect(try await world.machine().isFrozen, "its worker may be alive")
    await world.recovery.endOrphanedSessions(isStart: true)
    #expect(try await !world.machine().isFrozen)
    #expect(try await world.machine().backup != nil, "the job goes on")
    #expect(FileManager.default.fileExists(atPath: world.folder))
  }

  private static func inRestore() async throws -> World {
    let identifiers = CatalogFixture(
      catalog: try SQLiteCatalog(path: "\(ScratchDirectory.path)/other.sqlite")
    ).identifiers
    let task = RestoreTask(sourceVPSID: identifiers.make(), backupID: identifiers.make())
    let world = try await World(.restore(task))
    try await world.begin(in: world.folder)
    return world
  }

  @Test func `a restore's session that a start could not end goes when it is old`() async throws {
    let world = try await Self.inRestore()
    await world.host.setFault(.failOnce(.unavailable("away")), of: .backupScratchPaths)
    await world.recovery.endOrphanedSessions(isStart: true)
    #expect(try await world.machine().backup != nil)
    await world.recovery.endOrphanedSessions()
    #expect(try await world.machine().backup != nil, "it may be a living worker's")
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -3600)],
      ofItemAtPath: world.folder
    )
    await world.recovery.endOrphanedSessions()
    #expect(try await world.machine().backup == nil)
    #expect(!FileManager.default.fileExists(atPath: world.folder))
  }

  @Test func `at a worker's start a restore's session is ended, and who froze the guest let be`()
    async throws
  {
    let world = try await Self.inRestore()
    await world.recovery.endOrphanedSessions()
    #expect(try await world.machine().backup != nil, "its worker may be alive")
    await world.recovery.endOrphanedSessions(isStart: true)
    let machine = try await world.machine()
    #expect(machine.backup == nil && machine.isFrozen)
    #expect(!FileManager.default.fileExists(atPath: world.folder))
  }

  @Test func `the session of a job that is over is ended, and its guest let go`() async throws {
    let world = try await World()
    try await world.begin(in: world.folder)
    try await world.endJob()
    await world.recovery.endOrphanedSessions()
    let machine = try await world.machine()
    #expect(machine.backup == nil && !machine.isFrozen)
    #expect(!FileManager.default.fileExists(atPath: world.folder))
  }

  @Test func `a session that begins while it is ended is ended as well`() async throws {
    let world = try await World()
    await world.host.setFault(.late(.unavailable("it hangs")), of: .beginBackup)
    await #expect(throws: HypervisorError.self) { try await world.begin(in: world.folder) }
    try await world.endJob()
    let host = world.host
    // After the first look at whose session there is.
    await host.setBeforeEach { call in
      if call.operation == .state { await host.finishLate() }
    }
    await world.recovery.endOrphanedSessions()
    let machine = try await world.machine()
    #expect(machine.backup == nil && machine.description.activeJob == nil)
    #expect(!FileManager.default.fileExists(atPath: world.folder))
  }

  @Test func `a folder is there again when nobody could see what began late`() async throws {
    let world = try await World()
    await world.host.setFault(.late(.unavailable("it hangs")), of: .beginBackup)
    await #expect(throws: HypervisorError.self) { try await world.begin(in: world.folder) }
    try await world.endJob()
    let (host, folder) = (world.host, world.folder)
    await host.setBeforeEach { call in
      if call.operation == .state { await host.finishLate() }
      guard call.operation == .backupScratchPaths,
        !FileManager.default.fileExists(atPath: folder)
      else { return }
      await host.setFault(.failOnce(.unavailable("away")), of: .backupScratchPaths)
    }
    await world.recovery.endOrphanedSessions()
    #expect(FileManager.default.fileExists(atPath: folder))
    #expect(try await world.machine().backup != nil, "nothing has begun late")
    await host.setBeforeEach(nil)
    await world.recovery.endOrphanedSessions()
    #expect(!FileManager.default.fileExists(atPath: folder))
    #expect(try await world.machine().backup == nil)
  }

  @Test func `a guest that a full host has stopped runs on`() async throws {
    let world = try await World()
    try await world.begin(in: world.folder)
    try await world.host.change(world.vps.domainName) { $0.description.state = .pausedOnError }
    try await world.endJob()
    await world.recovery.endOrphanedSessions()
    #expect(try await world.machine().description.state == .running)
  }

  @Test func `another's session is left alone`() async throws {
    let world = try await World()
    try await world.begin(in: "\(ScratchDirectory.path)/run/other")
    try await world.endJob()
    await world.recovery.endOrphanedSessions()
    #expect(try await world.machine().backup != nil)
    #expect(!FileManager.default.fileExists(atPath: world.folder))
  }

  @Test func `a folder stays until its guest was heard of`() async throws {
    let world = try await World()
    try await world.begin(in: world.folder)
    try await world.endJob()
    await world.host.setFault(.failOnce(.unavailable("away")), of: .thaw)
    await world.recovery.endOrphanedSessions()
    #expect(FileManager.default.fileExists(atPath: world.folder))
    await world.recovery.endOrphanedSessions()
    #expect(try await !world.machine().isFrozen)
    #expect(!FileManager.default.fileExists(atPath: world.folder))
  }
}
