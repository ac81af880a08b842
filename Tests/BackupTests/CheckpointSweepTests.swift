import Catalog
import Hypervisor
import Logging
import Model
import Synchronization
import TestSupport
import Testing

@testable import Backup

@Suite(.scratchDirectory) struct CheckpointSweepTests {
  private static let old = "rehome-01hxa3b4c5d6e7f8g9h0j1k2m3"
  private static let new = "rehome-01hxa3b4c5d6e7f8g9h0j1k2m4"

  /// A catalog with one VPS, and a host with its domain, which has two checkpoints of ours and one
  /// of somebody else's.
  private struct World {
    let fixture: CatalogFixture
    let vps: VPS
    let host: SimulatedHypervisor
    let sweep: CheckpointSweep

    init(state: DomainState = .running) async throws {
      fixture = CatalogFixture(
        catalog: try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite")
      )
      vps = try await fixture.vps(of: fixture.client())
      var description = DomainDescription(
        name: vps.domainName,
        uuid: vps.domainUUID,
        state: state,
        definition: DomainXML(name: vps.domainName, uuid: vps.domainUUID, disks: [])
      )
      description.checkpointNames = [old, new, "theirs"]
      host = SimulatedHypervisor([SimulatedHypervisor.Machine(description)])
      sweep = CheckpointSweep(
        catalog: fixture.catalog,
        hypervisor: host,
        node: CatalogFixture.node,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      )
      let seen = Observation(
        observedAt: fixture.clock.now(),
        powerState: .running,
        ownCheckpoints: [old, new]
      )
      let id = vps.id
      try await fixture.catalog.write { try $0.setObservation(seen, of: id) }
    }

    func setNewest(backup: BackupID?) async throws {
      let checkpoint = Checkpoint(
        vpsID: vps.id,
        name: CheckpointSweepTests.new,
        backupID: backup,
        domainUUID: vps.domainUUID,
        disks: [],
        createdAt: fixture.clock.now()
      )
      try await fixture.catalog.write { try $0.setCheckpoint(checkpoint) }
    }

    func names() async throws -> [String] {
      try await host.change(vps.domainName) { $0.description.checkpointNames }
    }
  }

  @Test func `the one before the newest goes, the newest and foreign ones stay`() async throws {
    let world = try await World()
    try await world.setNewest(backup: world.fixture.backup(of: world.vps).id)
    await world.sweep.run()
    #expect(try await world.names() == [Self.new, "theirs"])
    let id = world.vps.id
    let seen = try await world.fixture.catalog.read { try $0.vps(id)?.observation }
    #expect(seen?.ownCheckpoints == [Self.new])
  }

  @Test func `nothing goes while a job works on the VPS`() async throws {
    let world = try await World()
    try await world.setNewest(backup: world.fixture.backup(of: world.vps).id)
    _ = try await world.fixture.job(of: world.vps)
    await world.sweep.run()
    #expect(try await world.names() == [Self.old, Self.new, "theirs"])
  }

  @Test func `without its backup the newest goes as well`() async throws {
    let world = try await World()
    let backup = try await world.fixture.backup(of: world.vps)
    try await world.setNewest(backup: backup.id)
    try await world.fixture.catalog.write { try $0.deleteBackup(backup.id) }
    await world.sweep.run()
    #expect(try await world.names() == ["theirs"])
  }

  @Test func `one whose bitmap is gone is forgotten, and nothing builds on the chain any more`()
    async throws
  {
    let world = try await World()
    try await world.setNewest(backup: world.fixture.backup(of: world.vps).id)
    let name = world.vps.domainName
    try await world.host.change(name) { $0.lostBitmaps = [Self.old] }
    // Nothing may be forgotten while the chain still counts.
    let (catalog, id) = (world.fixture.catalog, world.vps.id)
    let counted = Mutex<Bool?>(nil)
    await world.host.setBeforeEach { call in
      guard call.operation == .forgetCheckpoints else { return }
      let chain = try? await catalog.read { try $0.checkpoint(of: id) }
      counted.withLock { $0 = chain != nil }
    }
    await world.sweep.run()
    #expect(counted.withLock { $0 } == false)
    #expect(try await world.names() == [Self.new, "theirs"])
  }

  @Test func `what libvirt refuses for another reason is left as it is`() async throws {
    let world = try await World()
    let newest = try await world.fixture.backup(of: world.vps).id
    try await world.setNewest(backup: newest)
    try await world.host.change(world.vps.domainName) { $0.description.activeJob = .backup }
    await world.sweep.run()
    #expect(try await world.names() == [Self.old, Self.new, "theirs"])
    let id = world.vps.id
    let seen = try await world.fixture.catalog.read { transaction throws in
      (try transaction.checkpoint(of: id)?.backupID, try transaction.vps(id)?.observation)
    }
    #expect(seen.0 == newest)
    #expect(seen.1?.ownCheckpoints == [Self.old, Self.new], "it is tried again")
  }

  @Test func `on a stopped domain they stay until it runs`() async throws {
    let world = try await World(state: .stopped)
    await world.sweep.run()
    #expect(try await world.names() == [Self.old, Self.new, "theirs"])
    try await world.host.change(world.vps.domainName) { $0.description.state = .running }
    await world.sweep.run()
    #expect(try await world.names() == ["theirs"])
  }
}
