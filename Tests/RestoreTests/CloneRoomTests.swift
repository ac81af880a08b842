import Catalog
import Disks
import Model
import TestSupport
import Testing

@testable import Restore

/// The room of clones is promised once.
@Suite(.scratchDirectory)
struct CloneRoomTests {
  private static let gib: Int64 = 1 << 30

  private static func room(free: Int64) -> Int64 {
    // Ten are the guests'.
    FreeSpace(fileSystem: "f", totalBytes: 100 * gib, freeBytes: (free + 10) * gib)
      .stageBytes(beside: .standard)
  }

  @Test func `two restores never begin with clones that only have room one at a time`()
    async throws
  {
    let fixture = CatalogFixture(
      catalog: try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite")
    )
    let first = try await fixture.job(of: fixture.vps(of: fixture.client()))
    let second = try await fixture.job(of: fixture.vps(of: fixture.client("other")))
    func promise(_ size: Int64, to job: Job, free: Int64) async throws -> Bool {
      try await fixture.catalog.write { transaction in
        let room = Self.room(free: free)
        let promise = try RoomPromise.make(size * Self.gib, to: job, in: "f", of: room, transaction)
        return promise.isMade
      }
    }
    #expect(try await promise(8, to: first, free: 10))
    #expect(try await !promise(4, to: second, free: 10))
    #expect(try await promise(4, to: second, free: 12))
    // One's own promise is no obstacle to a second disk's.
    #expect(try await !promise(9, to: first, free: 12))
    #expect(try await promise(9, to: first, free: 13))
    try await fixture.catalog.write { try $0.releaseReservations(of: second.id) }
    #expect(try await promise(10, to: first, free: 10))
  }

  @Test func `what is promised to the guests of undo disks isn't promised again`() async throws {
    let fixture = CatalogFixture(
      catalog: try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite")
    )
    let vps = try await fixture.vps(of: fixture.client())
    let old = try await fixture.job(of: vps)
    let new = try await fixture.job(of: fixture.vps(of: fixture.client("other")))
    let detail = UndoDetail(
      disks: [],
      seed: SeedChange(device: "vdb", before: nil, after: nil, path: nil),
      sharedBytes: 6 * Self.gib
    )
    let undo = UndoRecord(
      vpsID: vps.id,
      restoreJobID: old.id,
      until: Timestamp(seconds: 10),
      detail: JournalText.of(detail),
      sizeBytes: 1
    )
    try await fixture.catalog.write { try $0.insert(undo) }
    func promise(free: Int64) async throws -> Bool {
      try await fixture.catalog.write { transaction in
        let room = Self.room(free: free)
        let promise = try RoomPromise.make(4 * Self.gib, to: new, in: "f", of: room, transaction)
        return promise.isMade
      }
    }
    #expect(try await !promise(free: 9))
    #expect(try await promise(free: 10))
  }
}

extension RoomPromise {
  fileprivate var isMade: Bool {
    guard case .made = self else { return false }
    return true
  }
}
