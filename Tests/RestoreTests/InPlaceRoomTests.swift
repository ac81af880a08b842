import Catalog
import Disks
import Model
import Synchronization
import TestSupport
import Testing

@testable import Restore

/// The room that an in-place restore is promised before it stops its target.
@Suite(.scratchDirectory, .timeLimit(.minutes(3)))
struct InPlaceRoomTests {
  private typealias World = SimulatedWorld

  /// What of a host's space jobs were promised where the disk and its logs are.
  private static func promised(_ world: SimulatedWorld) async throws -> Int64 {
    let fileSystem = try await FreeSpace.at(world.disk).fileSystem
    return try await world.catalog.read {
      try $0.reservedBytes(node: CatalogFixture.node, fileSystem: fileSystem)
    }
  }

  @Test func `undo logs, and data in holes, are promised their room until the end`() async throws {
    let held = World.disk("abc" + "\0\0")
    try await World.with(holding: held) { world in
      let backup = try await world.backup(of: World.disk("ABCDE"))
      let found = Mutex<Int64>(0)
      world.hooks.at(.afterStop) {
        let bytes = (try? await Self.promised(world)) ?? 0
        found.withLock { $0 = bytes }
      }
      let job = try await world.restore(backup)
      #expect(job.state == .completed, "\(job)")
      // All that it held, and what goes into its holes.
      #expect(found.withLock { $0 } >= Int64(5 * World.chunkSize))
      #expect(try await Self.promised(world) == 0)
    }
  }

  @Test(arguments: [("abcd", "an undo needs"), ("ab\0\0", "hold nothing")])
  func `room that others were promised is no log's, nor a hole's`(
    _ letters: String,
    _ reason: String
  ) async throws {
    let held = World.disk(letters)
    try await World.with(holding: held) { world in
      let backup = try await world.backup(of: World.disk("ABCD"))
      let neighbour = try await world.fixture.vps(of: world.fixture.client("other"))
      let undo = UndoRecord(
        vpsID: neighbour.id,
        restoreJobID: try await world.fixture.job(of: neighbour).id,
        until: SystemWallClock().now().advanced(by: .seconds(3600)),
        detail: JournalText.of(
          UndoDetail(
            disks: [],
            seed: SeedChange(device: "vdb", before: nil, after: nil, path: nil),
            sharedBytes: try await FreeSpace.at(world.disk).freeBytes
          )
        ),
        sizeBytes: 1
      )
      try await world.catalog.write { try $0.insert(undo) }
      let job = try await world.restore(backup)
      #expect(job.failure?.code == .hostStorageFull, "\(job)")
      #expect(job.failure?.left == .untouched)
      #expect(job.failure?.detail.contains(reason) == true, "\(job)")
      #expect(try world.contents == held)
      #expect(try await Self.promised(world) == 0)
    }
  }
}
