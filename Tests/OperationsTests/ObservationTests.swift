import Catalog
import Foundation
import Hypervisor
import Logging
import Model
import Operations
import TestSupport
import Testing

@Suite(.scratchDirectory)
struct ObservationTests {
  @Test func `a round lists the files of domains once, and tells which disks are shared`()
    async throws
  {
    let folder = ScratchDirectory.path
    for name in ["one", "two"] {
      try Data(count: 4096).write(to: URL(filePath: "\(folder)/\(name)"))
    }
    try await OperationsWorld.with { world in
      let paths = [(world.source, "one"), (world.target, "one"), (world.foreign, "two")]
      let host = SimulatedHypervisor(
        paths.map { Self.machine($0.0, diskAt: "\(folder)/\($0.1)") }
      )
      await ObservationRefresh(
        catalog: world.catalog,
        observer: HostObserver(hypervisor: host, clock: SystemWallClock()),
        node: "local",
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      ).refreshAll()
      #expect(await host.calls.count { $0.operation == .fileUsers } == 1)
      for (vps, path) in paths {
        let id = vps.id
        let seen = try await world.catalog.read { try $0.vps(id) }?.observation?.disks.first
        #expect(seen?.path == "\(folder)/\(path)")
        #expect(seen?.obstacle == (path == "one" ? .shared : nil))
      }
    }
  }

  private static func machine(_ vps: VPS, diskAt path: String) -> SimulatedHypervisor.Machine {
    let disk = DomainDisk(targetDevice: "vda", sourcePath: path)
    return SimulatedHypervisor.Machine(
      DomainDescription(
        name: vps.domainName,
        uuid: vps.domainUUID.lowercased(),
        state: .stopped,
        definition: DomainXML(name: vps.domainName, uuid: vps.domainUUID, disks: [disk])
      )
    )
  }
}
