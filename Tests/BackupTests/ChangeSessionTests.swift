import Catalog
import Datastore
import Disks
import Dispatch
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

    init(
      opening: SourceOpening = SourceOpening(),
      timer: any Clock<Duration> = ContinuousClock()
    ) async throws {
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
        timer: timer,
        runtimeDirectory: "\(ScratchDirectory.path)/run",
        opening: opening,
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

  /// A disk that answers nothing until its connection is cut; tells when it is asked.
  private static func silent(
    _ asked: AsyncStream<Void>.Continuation = AsyncStream.makeStream().continuation
  ) -> SourceOpening {
    var opening = SourceOpening()
    opening.session = { _, _, _ throws(DiskError) in
      let thread = BlockingExecutor(label: "silent", width: 1)
      let answer = DispatchSemaphore(value: 0)
      return OpenedSource(
        device: MemoryDisk([UInt8](repeating: 0, count: 1 << 20)),
        changes: { _ throws(DiskError) in
          asked.finish()
          await thread.run { answer.wait() }
          throw .closed
        },
        hangUp: { answer.signal() }
      )
    }
    return opening
  }

  @Test(.timeLimit(.minutes(1)))
  func `one that doesn't answer is cut off when its time is over`() async throws {
    let clock = ManualClock()
    let world = try await World(opening: Self.silent(), timer: clock.timer)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await world.ask() }
      group.addTask {
        while !Task.isCancelled {
          await clock.whenSleeping(1)
          clock.advance(by: .seconds(1))
        }
      }
      await group.next()
      group.cancelAll()
    }
    #expect(try await world.machine().backup == nil)
    #expect(!world.isFolderThere)
  }

  @Test(.timeLimit(.minutes(1)))
  func `one whose asker is cancelled is cut off at once`() async throws {
    let (asking, asked) = AsyncStream.makeStream(of: Void.self)
    let world = try await World(opening: Self.silent(asked))
    let start = ContinuousClock.now
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await world.ask() }
      for await _ in asking {}
      group.cancelAll()
    }
    #expect(ContinuousClock.now - start < Limits.changeSessionLimit)
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
