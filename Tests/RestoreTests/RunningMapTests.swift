import Backup
import Catalog
import Foundation
import Hypervisor
import Model
import TestSupport
import Testing

@testable import Restore

extension OnRealGuests {
  /// Restores onto guests that run, of whose qcow2 disks the record of changes vouches for much.
  @Suite struct RunningMapTests {
    /// A target that runs on XFS, and a source whose data disk holds what it is given.
    private struct Scene {
      let world: RestoreWorld
      let source: MicroGuest
      let sourceVPS: VPS
      let guest: MicroGuest
      let vps: VPS

      /// Restores a disk that holds `wanted`, and tells the result when the guest has it.
      func restore(_ wanted: [UInt8], _ comment: Comment) async throws -> RestoreResult {
        try await DataDisk.fill(source, with: wanted)
        let backup = try await world.backUp(sourceVPS)
        let job = try await world.finished(world.restore(backup, of: sourceVPS, onto: vps))
        let result = try job.restored()
        try await guest.waitUntilReady()
        let now = try await world.backUpResult(vps)
        #expect(try await world.content(of: now) == wanted, comment)
        return result
      }
    }

    private static func withScene(
      _ body: @escaping @Sendable (Scene, DataDisk) async throws -> Void
    ) async throws {
      var options = MicroGuest.Options()
      options.format = "qcow2"
      options.isOnXFS = true
      let onXFS = options
      try await RestoreWorld.with { world in
        try await withDataDisk { source, _ in
          try await withDataDisk(onXFS) { guest, disk in
            try await guest.boot()
            let scene = Scene(
              world: world,
              source: source,
              sourceVPS: try await world.register(source),
              guest: guest,
              vps: try await world.register(guest)
            )
            try await body(scene, disk)
          }
        }
      }
    }

    /// The disk with other bytes at one place, so that each restore has something to do.
    private static func other(_ disk: [UInt8], _ round: Int) -> [UInt8] {
      var wanted = disk
      wanted.replaceSubrange(
        round * 9000..<round * 9000 + 5000,
        with: repeatElement(0x2a, count: 5000)
      )
      return wanted
    }

    @Test func `what a guest writes before and after the clone is never taken for known`()
      async throws
    {
      let seed = UInt64.random(in: 0...UInt64.max)
      print("maps of a running guest: seed \(seed)")
      try await Self.withScene { scene, disk in
        var disk = disk
        disk.generator = SeededGenerator(seed: seed)
        let (world, guest) = (scene.world, scene.guest)
        for round in 1...4 {
          try await disk.change(in: guest, times: 4)
          let remembered = disk.model
          #expect(try await world.content(of: world.backUpResult(scene.vps)) == remembered)
          try await disk.change(in: guest, times: 2)
          try await disk.change(in: guest, times: 1, isFlushed: round % 2 == 0)
          let (late, _) = disk.nextChanges(times: 2, isFlushed: round % 2 == 1)
          world.hooks.beforeMap { _ = try? await guest.shell(late) }
          let wanted = Self.other(round % 2 == 0 ? disk.model : remembered, round)
          let result = try await scene.restore(wanted, "seed \(seed), round \(round)")
          #expect(world.hooks.knownDevices.contains("vdb"), "seed \(seed), round \(round)")
          #expect(result.bytesReused > 0)
          disk.model = wanted
        }
      }
    }

    @Test func `what only QEMU knows of isn't in the clone, and so nothing is taken for known`()
      async throws
    {
      try await Self.withScene { scene, disk in
        var disk = disk
        // Some of each chunk first: one that is a hole in the clone is written anyway.
        try await disk.change(in: scene.guest, times: 40)
        // Written before the backup, and never flushed.
        try await disk.change(in: scene.guest, times: 12, isFlushed: false)
        let own = try await scene.world.backUpResult(scene.vps)
        #expect(try await scene.world.content(of: own) == disk.model)
        let wanted = Self.other(disk.model, 1)
        _ = try await scene.restore(wanted, "not flushed")
        #expect(!scene.world.hooks.knownDevices.contains("vdb"))
      }
    }

    @Test func `flushes are counted before the clone, which has all that they wrote out`()
      async throws
    {
      try await Self.withScene { scene, disk in
        var disk = disk
        try await disk.change(in: scene.guest, times: 40)
        try await disk.change(in: scene.guest, times: 12, isFlushed: false)
        _ = try await scene.world.backUpResult(scene.vps)
        let guest = scene.guest
        let flush = "head -c 512 /dev/vdb >/tmp/b; dd if=/tmp/b of=/dev/vdb conv=notrunc,fsync"
        scene.world.hooks.beforeFlushCount("vdb") {
          for _ in 1...3 { _ = try? await guest.shell(flush) }
        }
        _ = try await scene.restore(Self.other(disk.model, 1), "flushed late")
        #expect(scene.world.hooks.knownDevices.contains("vdb"))
      }
    }

    @Test func `a target that was shut down is known by the bitmap in its image`() async throws {
      try await Self.withScene { scene, disk in
        var disk = disk
        try await disk.change(in: scene.guest, times: 20)
        _ = try await scene.world.backUpResult(scene.vps)
        // What it held then: a map that doesn't know of later writes would vouch for what is gone.
        let wanted = Self.other(disk.model, 1)
        try await disk.change(in: scene.guest, times: 5)
        try await scene.world.shutDown(scene.guest)
        try await DataDisk.fill(scene.source, with: wanted)
        let backup = try await scene.world.backUp(scene.sourceVPS)
        let job = try await scene.world.finished(
          scene.world.restore(backup, of: scene.sourceVPS, onto: scene.vps)
        )
        _ = try job.restored()
        #expect(scene.world.hooks.knownDevices.contains("vdb"))
        let now = try await scene.world.backUpResult(scene.vps)
        #expect(try await scene.world.content(of: now) == wanted)
      }
    }
  }
}
