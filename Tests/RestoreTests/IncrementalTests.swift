import Backup
import Catalog
import Datastore
import Disks
import Foundation
import Hypervisor
import Model
import Operations
import TestSupport
import Testing

extension OnRealGuests {
  /// Backups that build on earlier ones, of real guests.
  @Suite struct IncrementalTests {
    @Test func `increments are byte for byte what the disk was when they began`() async throws {
      let seed = UInt64.random(in: 0...UInt64.max)
      print("increments of a guest: seed \(seed)")
      try await RestoreWorld.with { world in
        try await withDataDisk { guest, disk in
          var disk = disk
          disk.generator = SeededGenerator(seed: seed)
          try await guest.boot()
          let vps = try await world.register(guest)
          try await disk.change(in: guest, times: 4)
          let first = try await world.backUpResult(vps)
          #expect(!first.incremental)
          #expect(first.fullReason == .noCheckpoint)
          #expect(try await world.content(of: first) == disk.model, "seed \(seed)")

          for round in 1...3 {
            try await disk.change(in: guest, times: 3)
            let before = disk.model
            // The guest goes on writing before and while its disk is read.
            let (early, then) = disk.nextChanges(times: 2)
            disk.model = then
            let (late, after) = disk.nextChanges(times: 3)
            world.hooks.at(BackupMoment.sessionBegun) { _ = try? await guest.shell(early) }
            world.hooks.atReadOfSession { _ = try? await guest.shell(late) }
            let result = try await world.backUpResult(vps)
            #expect(!world.hooks.isReadOfSessionDue)
            #expect(result.incremental, "seed \(seed), round \(round): \(result)")
            #expect(result.bytesRead < first.bytesRead)
            #expect(try await world.content(of: result) == before, "seed \(seed), round \(round)")
            disk.model = after
          }
          try await expectOneCheckpoint(guest, vps, world)

          // Off and on again: the records of changes are in the images.
          try await world.shutDown(guest)
          let stopped = try await world.backUpResult(vps)
          #expect(stopped.incremental, "\(stopped)")
          #expect(try await world.content(of: stopped) == disk.model, "seed \(seed)")
          try await guest.boot()
          try await disk.change(in: guest, times: 2)
          let again = try await world.backUpResult(vps)
          #expect(again.incremental, "\(again)")
          #expect(try await world.content(of: again) == disk.model, "seed \(seed)")
        }
      }
    }

    @Test func `a snapshot inside a stopped disk voids its record of changes`() async throws {
      try await RestoreWorld.with { world in
        try await withDataDisk { guest, disk in
          var disk = disk
          try await guest.boot()
          let vps = try await world.register(guest)
          try await disk.change(in: guest, times: 2)
          _ = try await world.backUp(vps)
          try await world.shutDown(guest)
          #expect(try await world.backUpResult(vps).incremental)
          let path = DataDisk.path(of: guest)
          try await TestProcess.run("qemu-img", ["snapshot", "-c", "theirs", path])
          let result = try await world.backUpResult(vps)
          // The other disk is known to be as it was; this one is read, though no bit says so.
          #expect(result.bytesRead > 0, "\(result)")
          #expect(try await world.content(of: result) == disk.model)
        }
      }
    }

    @Test func `each loss of the chain is noticed, and everything is read`() async throws {
      try await RestoreWorld.with { world in
        try await withDataDisk { guest, disk in
          var disk = disk
          try await guest.boot()
          let vps = try await world.register(guest)
          var last = try await world.backUpResult(vps)
          for loss in ChainLoss.allCases {
            try await disk.change(in: guest, times: 1)
            try await loss.happen(to: guest, vps, last, world)
            let full = try await world.backUpResult(vps)
            #expect(full.fullReason == loss.reason, "\(loss): \(full)")
            #expect(full.incremental == (loss.reason == nil), "\(loss)")
            #expect(try await world.content(of: full) == disk.model, "\(loss)")
            // From there on a new chain.
            try await disk.change(in: guest, times: 1)
            last = try await world.backUpResult(vps)
            #expect(last.incremental, "after \(loss): \(last)")
            #expect(try await world.content(of: last) == disk.model, "after \(loss)")
          }
        }
      }
    }

    @Test func `a restore and its undo each begin a new chain`() async throws {
      try await RestoreWorld.with { world in
        try await withDataDisk { source, sourceDisk in
          try await withDataDisk { guest, disk in
            var disk = disk
            try await guest.boot()
            let (a, vps) = (try await world.register(source), try await world.register(guest))
            let backup = try await world.backUp(a)
            try await disk.change(in: guest, times: 2)
            _ = try await world.backUp(vps)
            let job = try await world.finished(world.restore(backup, of: a, onto: vps))
            _ = try job.restored()
            try await guest.waitUntilReady()
            #expect(try await guest.checkpoints().isEmpty)
            let restored = try await world.backUpResult(vps)
            #expect(restored.fullReason == .noCheckpoint)
            #expect(try await world.content(of: restored) == sourceDisk.model)

            let undo = try await world.finished(
              world.operations.perform(
                world.operations.undoRestore(RestoreWorld.operatorCaller, job.id.text)
              )
            )
            #expect(undo.state == .completed, "\(undo)")
            try await guest.waitUntilReady()
            let undone = try await world.backUpResult(vps)
            #expect(undone.fullReason == .noCheckpoint)
            #expect(try await world.content(of: undone) == disk.model)
            let next = try await world.backUpResult(vps)
            #expect(next.incremental)
            #expect(try await world.content(of: next) == disk.model)
          }
        }
      }
    }

    @Test func `a raw disk beside a qcow2 one is read in full, and alone it gives the reason`()
      async throws
    {
      try await RestoreWorld.with { world in
        try await withMicroGuest { guest in
          try await guest.boot()
          let vps = try await world.register(guest)
          #expect(try await world.backUpResult(vps).fullReason == .unsupportedFormat)
          #expect(try await world.backUpResult(vps).fullReason == .unsupportedFormat)
          #expect(try await guest.checkpoints().isEmpty)
        }
        var options = MicroGuest.Options()
        options.format = "raw"
        try await withDataDisk(options) { guest, disk in
          var disk = disk
          try await guest.boot()
          let vps = try await world.register(guest)
          try await disk.change(in: guest, times: 2)
          _ = try await world.backUp(vps)
          try await disk.change(in: guest, times: 2)
          let second = try await world.backUpResult(vps)
          #expect(second.incremental)
          #expect(try await world.content(of: second) == disk.model)
        }
      }
    }

    @Test func `a stopped raw disk is read again only if somebody has written to it`()
      async throws
    {
      try await RestoreWorld.with { world in
        try await withMicroGuest { guest in
          let vps = try await world.register(guest)
          // A mark isn't taken of what has changed within the second.
          while try await StillMark.of(guest.diskPath) == nil {
            try await Task.sleep(for: .milliseconds(50))
          }
          let first = try await world.backUpResult(vps)
          #expect(first.fullReason == .unsupportedFormat)
          #expect(world.hooks.prioritiesOfImages == [3 << 13], "idle")
          let content = StillContent(catalog: world.catalog, datastore: world.datastore)
          let index = await content.index(
            of: vps.id,
            device: "vda",
            at: guest.diskPath,
            format: "raw"
          )
          #expect(index?.size == first.sizeBytes)
          let second = try await world.backUpResult(vps)
          #expect(second.incremental)
          #expect(second.bytesRead == 0)
          let again = await content.index(
            of: vps.id,
            device: "vda",
            at: guest.diskPath,
            format: "raw"
          )
          #expect(again == index, "the second backup holds the same")
          let other = await content.index(
            of: vps.id,
            device: "vda",
            at: guest.diskPath,
            format: "qcow2"
          )
          #expect(other == nil, "the same file is another disk in another format")

          // One byte, written and its time set back.
          let before = try FileManager.default.attributesOfItem(atPath: guest.diskPath)
          let file = try FileHandle(forUpdating: URL(filePath: guest.diskPath))
          try file.seek(toOffset: 5 << 20)
          try file.write(contentsOf: Data([1]))
          try file.close()
          try FileManager.default.setAttributes(
            [.modificationDate: before[.modificationDate] ?? Date.distantPast],
            ofItemAtPath: guest.diskPath
          )
          let none = await content.index(
            of: vps.id,
            device: "vda",
            at: guest.diskPath,
            format: "raw"
          )
          #expect(none == nil)
          let third = try await world.backUpResult(vps)
          #expect(third.fullReason == .unsupportedFormat)
          #expect(third.bytesRead > 0)
        }
      }
    }

    private func expectOneCheckpoint(
      _ guest: MicroGuest,
      _ vps: VPS,
      _ world: RestoreWorld
    ) async throws {
      try await world.sweep()
      let newest = try await world.catalog.read { try $0.checkpoint(of: vps.id)?.name }
      #expect(try await guest.checkpoints() == [newest])
    }
  }
}
