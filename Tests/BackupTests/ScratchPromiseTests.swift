import Catalog
import Disks
import Model
import TestSupport
import Testing

@testable import Backup

/// What scratch files are promised of the host, beside what others are.
@Suite(.scratchDirectory) struct ScratchPromiseTests {
  private static let gib: Int64 = 1 << 30
  private static let fileSystem = "fs"

  private func fixture() throws -> CatalogFixture {
    CatalogFixture(catalog: try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite"))
  }

  private func reserve(
    _ size: Int64,
    of job: Job,
    free: Int64,
    _ fixture: CatalogFixture
  ) async throws -> ScratchBudget.Reservation {
    let space = FreeSpace(fileSystem: Self.fileSystem, totalBytes: 100 * Self.gib, freeBytes: free)
    return try await fixture.catalog.write {
      try ScratchBudget.reserve([size], of: job, in: space, minimum: size, $0)
    }
  }

  private func promised(_ fixture: CatalogFixture) async throws -> Int64 {
    try await fixture.catalog.read {
      try $0.reservedBytes(node: CatalogFixture.node, fileSystem: Self.fileSystem)
    }
  }

  @Test func `What others were promised isn't taken, and a second try isn't promised twice`()
    async throws
  {
    let fixture = try fixture()
    let client = try await fixture.client()
    let first = try await fixture.job(of: fixture.vps(of: client))
    let second = try await fixture.job(of: fixture.vps(of: client))
    let free = 5 * Self.gib + Limits.scratchFreeFloor
    for _ in 0..<2 {
      let made = try await reserve(2 * Self.gib, of: first, free: free, fixture)
      #expect(made == .budget(ScratchBudget(bytes: [2 * Self.gib])))
      #expect(try await promised(fixture) == 2 * Self.gib)
    }
    // Three are left, of which a budget may take all and is promised half.
    let made = try await reserve(4 * Self.gib, of: second, free: free, fixture)
    #expect(made == .budget(ScratchBudget(bytes: [3 * Self.gib])))
    let left = 3 * Self.gib + Limits.scratchFreeFloor
    #expect(try await promised(fixture) == 2 * Self.gib + left / 2)
  }

  @Test func `Room that is promised away is worth waiting for, and a full host isn't`() async throws
  {
    let fixture = try fixture()
    let client = try await fixture.client()
    let other = try await fixture.job(of: fixture.vps(of: client))
    let job = try await fixture.job(of: fixture.vps(of: client))
    try await fixture.catalog.write {
      try $0.insert(
        SpaceReservation(
          jobID: other.id,
          node: CatalogFixture.node,
          fileSystem: Self.fileSystem,
          bytes: 8 * Self.gib
        )
      )
    }
    #expect(try await reserve(Self.gib, of: job, free: 8 * Self.gib, fixture) == .promisedAway)
    #expect(try await reserve(Self.gib, of: job, free: 1 << 20, fixture) == .full)
    #expect(try await promised(fixture) == 8 * Self.gib)
  }
}
