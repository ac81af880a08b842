import Catalog
import Datastore
import Disks
import Foundation
import Hypervisor
import Logging
import Model
import Operations
import TestSupport
import Testing

@testable import Backup

/// What a session that only asks what has changed leaves behind, whatever becomes of it.
@Suite(.scratchDirectory) struct ChangeSessionTests {
  /// A running machine, and the folder of a session with it.
  private struct World {
    let vps: VPS
    let host: SimulatedHypervisor
    let session: ChangeSession
    let folder = "\(ScratchDirectory.path)/run/job_1"

    let fixture: CatalogFixture

    init() async throws {
      fixture = CatalogFixture(
        catalog: try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite")
      )
      vps = try await fixture.vps(of: fixture.client())
      let domain = DomainDescription(
        name: vps.domainName,
        uuid: vps.domainUUID,
        state: .running,
        checkpointNames: ["rehome-1"],
        definition: DomainXML(
          name: vps.domainName,
          uuid: vps.domainUUID,
          disks: [DomainDisk(targetDevice: "vda", sourcePath: "/disk", format: "qcow2")]
        )
      )
      host = SimulatedHypervisor([SimulatedHypervisor.Machine(domain)])
      let store = "\(ScratchDirectory.path)/store"
      for path in ["\(store)/.chunks", "\(ScratchDirectory.path)/run"] {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      }
      let parts = BackupParts(
        catalog: fixture.catalog,
        datastore: try LocalDatastore(
          path: store,
          sync: .none,
          executor: BlockingExecutor(label: "test", width: 1)
        ),
        hypervisor: host,
        observer: HostObserver(hypervisor: host, clock: SystemWallClock()),
        clock: SystemWallClock(),
        runtimeDirectory: "\(ScratchDirectory.path)/run",
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      )
      session = ChangeSession(
        parts: parts,
        node: vps.node,
        reference: vps.reference,
        directory: "\(ScratchDirectory.path)/run/job_1"
      )
    }

    /// Asks; the machine has no server to answer, so that what comes of it is a failure.
    func ask() async throws {
      _ = try await session.changes(
        of: "vda",
        at: ScratchDirectory.path,
        size: 1 << 20,
        since: "rehome-1"
      )
    }

    func machine() async throws -> SimulatedHypervisor.Machine {
      try await host.change(vps.domainName) { $0 }
    }

    var isFolderThere: Bool { FileManager.default.fileExists(atPath: folder) }
  }

  @Test func `one that can't be read is ended`() async throws {
    let world = try await World()
    await #expect(throws: BackupStop.self) { try await world.ask() }
    #expect(await world.host.calls.contains { $0.operation == .beginBackup })
    #expect(try await world.machine().backup == nil)
    #expect(!world.isFolderThere)
  }

  @Test func `where room is short there is none`() async throws {
    let world = try await World()
    let job = try await world.fixture.job(of: world.vps)
    let space = try await FreeSpace.at(ScratchDirectory.path)
    let promise = SpaceReservation(
      jobID: job.id,
      node: job.node,
      fileSystem: space.fileSystem,
      bytes: space.freeBytes
    )
    try await world.fixture.catalog.write { try $0.insert(promise) }
    await #expect(throws: BackupStop.self) { try await world.ask() }
    #expect(await !world.host.calls.contains { $0.operation == .beginBackup })
    try await world.session.end()
    #expect(!world.isFolderThere)
  }

  @Test func `what can't be ended is told, and known until it is`() async throws {
    let world = try await World()
    await world.host.setFault(.failOnce(.unavailable("away")), of: .abortBackup)
    await #expect(throws: BackupStop.self) { try await world.ask() }
    #expect(try await world.machine().backup != nil)
    #expect(world.isFolderThere)
    try await world.session.end()
    #expect(try await world.machine().backup == nil)
    #expect(!world.isFolderThere)
  }

  @Test func `a guest that it has stopped runs on, also when the session is gone already`()
    async throws
  {
    let world = try await World()
    try FileManager.default.createDirectory(atPath: world.folder, withIntermediateDirectories: true)
    try await world.host.change(world.vps.domainName) { $0.description.state = .pausedOnError }
    try await world.session.end()
    #expect(try await world.machine().description.state == .running)
    #expect(!world.isFolderThere)
  }
}
