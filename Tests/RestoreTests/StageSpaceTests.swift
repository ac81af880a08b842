import Catalog
import Disks
import Foundation
import Hypervisor
import Model
import Operations
import TestSupport
import Testing

@testable import Restore

/// A stage leaves its file system some room.
@Suite(.scratchDirectory)
struct StageSpaceTests {
  private static let mib = 1 << 20

  @Test(arguments: [(0, 10, 0), (1000, 10, 100), (100 << 40, 1, 1 << 40), (1000, 50, 500)])
  func `guests keep a share of a file system`(_ total: Int, _ percent: Int, _ kept: Int) {
    let reserve = FreeReserve(percent: percent)
    func free(_ bytes: Int) -> Int64 {
      FreeSpace(fileSystem: "f", totalBytes: Int64(total), freeBytes: Int64(bytes))
        .stageBytes(beside: reserve)
    }
    #expect(reserve.bytes(of: Int64(total)) == Int64(kept))
    #expect(free(kept + 1) == 1)
    #expect(free(kept) == 0)
    #expect(free(0) == 0)
  }

  @Test(.enabled("needs to mount a small file system", { await SmallFileSystem.isAvailable }))
  func `what guests keep of a file system isn't free for a restore`() async throws {
    let point = "\(ScratchDirectory.path)/small"
    try await TestProcess.run("mkdir", [point])
    try await SmallFileSystem.with(at: point, megabytes: 40) {
      let path = "\(point)/disk.raw"
      try Data(count: Self.mib).write(to: URL(filePath: path))
      let definition = DomainXML(
        name: "guest",
        uuid: "uuid",
        disks: [DomainDisk(targetDevice: "vda", sourcePath: path)]
      )
      let host = SimulatedHypervisor([
        SimulatedHypervisor.Machine(
          DomainDescription(name: "guest", uuid: "uuid", state: .stopped, definition: definition)
        )
      ])
      let seen = try await HostObserver(
        hypervisor: host,
        clock: SystemWallClock(),
        freeReserve: FreeReserve(percent: 20)
      )
      .observe(DomainReference(name: "guest"))
      let space = try await FreeSpace.at(path)
      let kept = space.freeBytes - FreeReserve(percent: 20).bytes(of: space.totalBytes)
      #expect(seen.disks.map(\.freeBytes) == [kept])
    }
  }

  @Test(.enabled("needs to mount a small file system", { await SmallFileSystem.isAvailable }))
  func `a stage stops before its file system is full, and is owed no more what it has`()
    async throws
  {
    let folder = ScratchDirectory.path
    let fixture = CatalogFixture(catalog: try SQLiteCatalog(path: "\(folder)/catalog.sqlite"))
    let job = try await fixture.job(of: fixture.vps(of: fixture.client()))
    let point = "\(folder)/small"
    try await TestProcess.run("mkdir", [point])
    try await SmallFileSystem.with(at: point, megabytes: 40) {
      let owed = SpaceReservation(
        jobID: job.id,
        node: CatalogFixture.node,
        fileSystem: try await FreeSpace.at(point).fileSystem,
        bytes: Int64(30 * Self.mib)
      )
      try await fixture.catalog.write { try $0.insert(owed) }
      let space = StageSpace(
        point,
        of: job.id,
        fixture.catalog,
        keeping: .standard,
        stride: Int64(4 * Self.mib)
      )
      for _ in 0..<10 { try await space.take(Self.mib) }
      let left = try await fixture.catalog.read {
        try $0.reservedBytes(node: owed.node, fileSystem: owed.fileSystem)
      }
      #expect(left == Int64(22 * Self.mib))
      try SmallFileSystem.fill(point, with: "filler")
      // Not every byte is looked at, but soon one is.
      await #expect(throws: StepStop.self) {
        for _ in 0..<4 { try await space.take(Self.mib) }
      }
    }
  }
}
