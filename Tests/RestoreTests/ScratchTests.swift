import Backup
import Catalog
import Disks
import Foundation
import Hypervisor
import Model
import TestSupport
import Testing

extension OnRealGuests {
  /// Guests that write more than there is room for while their disks are read.
  @Suite struct ScratchTests {
    @Test func `a backup whose scratch outgrows its budget is given up, and the guest runs on`()
      async throws
    {
      try await RestoreWorld.with(scratchMinimumBytes: 1 << 20) { world in
        try await withDataDisk { guest, disk in
          try await guest.boot()
          let vps = try await world.register(guest)
          // Without data there is nothing to keep when it is overwritten.
          try await guest.shell(Self.fill("a"))
          let isPromised = Flag()
          world.hooks.at(BackupMoment.sessionBegun) {
            if let bytes = try? await Self.promised(world), bytes > 0 { isPromised.raise() }
            _ = try? await guest.shell(Self.fill("b"))
          }
          // The disks are small: without this they would be read before anybody looks.
          world.hooks.at(BackupMoment.duringRead) { await Self.waitUntilGivenUp() }
          try await expectGivenUp(world, vps, guest)
          #expect(isPromised.isRaised)
          #expect(try await Self.promised(world) == 0)
          // The next one finds everything in order.
          #expect(try await world.backUpJob(vps).state == .completed)
        }
      }
    }

    /// What jobs were promised of where scratch files are.
    private static func promised(_ world: RestoreWorld) async throws -> Int64 {
      let fileSystem = try await FreeSpace.at("\(world.folder)/run").fileSystem
      return try await world.catalog.read {
        try $0.reservedBytes(node: "local", fileSystem: fileSystem)
      }
    }

    @Test func `a guest that a full host has stopped is let go at once`() async throws {
      try await RestoreWorld.with { world in
        try await withDataDisk { guest, disk in
          try await guest.boot()
          let vps = try await world.register(guest)
          try await guest.shell(Self.fill("a"))
          let run = "\(world.folder)/run"
          let hasPaused = Flag()
          let size = Limits.scratchFreeFloor + (72 << 20)
          try await TestProcess.run(
            "mount",
            ["-t", "tmpfs", "-o", "size=\(size),mode=0711", "scratch", run]
          )
          do {
            world.hooks.at(BackupMoment.sessionBegun) {
              // Somebody else takes what scratch counted on.
              _ = try? await TestProcess.run(
                "dd",
                ["if=/dev/zero", "of=\(run)/other", "bs=1M", "count=120"]
              )
              _ = try? await guest.shell("(\(Self.fill("b"))) >/dev/null 2>&1 &")
              let state = try? await world.hypervisor.waitUntil(
                guest.reference,
                is: [.pausedOnError],
                within: .seconds(60)
              )
              if state != nil { hasPaused.raise() }
            }
            world.hooks.at(BackupMoment.duringRead) { await Self.waitUntilGivenUp() }
            try await expectGivenUp(world, vps, guest)
            #expect(hasPaused.isRaised)
          } catch {
            try await TestProcess.run("umount", ["-l", run])
            throw error
          }
          try await TestProcess.run("umount", ["-l", run])
        }
      }
    }

    /// Waits, as a reader with much left to read would, until it is told to stop.
    private static func waitUntilGivenUp() async {
      for _ in 1...600 where !Task.isCancelled {
        // Cancelled, it returns at once, and so do all that follow.
        try? await Task.sleep(for: .milliseconds(100))
      }
    }

    private static func fill(_ letter: String) -> String {
      "tr '\\0' \(letter) </dev/zero | dd of=/dev/vdb bs=64k count=400 iflag=fullblock "
        + "conv=notrunc,fsync"
    }

    private func expectGivenUp(
      _ world: RestoreWorld,
      _ vps: VPS,
      _ guest: MicroGuest
    ) async throws {
      let job = try await world.backUpJob(vps)
      #expect(job.state == .failed, "\(job)")
      #expect(job.failure?.code == .scratchFull, "\(job)")
      #expect(try await world.hypervisor.state(of: guest.reference) == .running)
      #expect(try await world.hypervisor.backupScratchPaths(of: guest.reference) == nil)
      #expect(try await guest.shell("sync && echo sound") == "sound\n")
      #expect(try await guest.checkpoints().isEmpty)
      let left = try FileManager.default.contentsOfDirectory(atPath: "\(world.folder)/run")
      #expect(left.filter { $0 != "other" }.isEmpty)
    }
  }
}
