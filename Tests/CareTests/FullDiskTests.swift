import Care
import Catalog
import Datastore
import Disks
import Foundation
import Model
import TestSupport
import Testing

/// The catalog and the store on one file system, which others have filled.
@Suite(.scratchDirectory)
struct FullDiskTests {
  @Test(.enabled("needs to mount a small file system", { await SmallFileSystem.isAvailable }))
  func `on a full disk a backup can be deleted and its room be had back`() async throws {
    let path = ScratchDirectory.path
    try await SmallFileSystem.with(at: path, megabytes: 64) {
      let world = try await CareWorld()
      let keeper = world.keeper()
      let (kept, gone) = (noise(), noise(8 << 20))
      let stays = try await world.backUp(kept)
      let goes = try await world.backUp(gone)
      await keeper.turn()
      let reserve = "\(world.root)/.rehome-reserve"
      #expect(world.exists(reserve))
      world.days(2)
      try SmallFileSystem.fill(path, with: "others")
      #expect(try await FreeSpace.at(path).freeBytes == 0)
      await keeper.turn()
      #expect(!world.exists(reserve))
      // What an operator's `backup delete` and the worker do.
      var row = goes
      row.state = .deleting
      let deleting = row
      try await world.catalog.write { try $0.update(deleting) }
      let snapshot = try #require(goes.snapshotPath.flatMap(SnapshotPath.init(relative:)))
      try await world.store.remove(snapshot)
      try await world.catalog.write { try $0.deleteBackup(goes.id) }
      let asked = try await world.ask(.collect)
      await keeper.turn()
      let ended = try await world.task(asked.number)
      #expect(ended.state == .completed)
      #expect(ended.garbage?.removedBytes ?? 0 >= 8 << 20)
      #expect(try await FreeSpace.at(path).freeBytes >= 8 << 20)
      await keeper.turn()
      #expect(world.exists(reserve))
      #expect(try await world.state(stays) == .complete)
      #expect(world.exists(world.file(of: kept)))
    }
  }
}
