import Foundation
import Hypervisor
import Model
import Operations
import Restore
import TestSupport
import Testing

extension OnRealGuests {
  /// Restores on real guests.
  ///
  /// One guest boots at a time where that is enough: the machine is small.
  @Suite struct RealRestoreTests {
    private static func options(_ name: String, format: String = "raw") -> MicroGuest.Options {
      var options = MicroGuest.Options(named: name)
      options.format = format
      return options
    }

    @Test(arguments: ["raw", "qcow2"])
    func `a running guest's backup goes onto another running guest, and back`(
      format: String
    ) async throws {
      try await RestoreWorld.with { world in
        try await withMicroGuest(Self.options("alpha", format: format)) { source in
          try await withMicroGuest(Self.options("bravo", format: format)) {
            target in
            try await source.boot()
            try await target.boot()
            try await source.write("kept", to: "/data/marker")
            try await target.write("before", to: "/data/marker")
            let bootID = try await source.read("/proc/sys/kernel/random/boot_id")
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            let job = try await world.finished(world.restore(backup, of: a, onto: b))
            let result = try job.restored()
            #expect(result.verified)
            #expect(result.downtime.totalMilliseconds > 0)
            #expect(result.network.reapplied)
            try await target.waitUntilReady()
            #expect(try await target.read("/data/marker") == "kept")
            #expect(try await target.read("/data/name").contains("alpha"))
            #expect(try await source.read("/proc/sys/kernel/random/boot_id") == bootID)
            #expect(try world.leftovers(of: target).count == 1)

            try await world.observe(b)
            let undo = try await world.finished(
              world.operations.perform(
                world.operations.undoRestore(RestoreWorld.operatorCaller, job.id.text)
              )
            )
            #expect(undo.state == .completed)
            try await target.waitUntilReady()
            #expect(try await target.read("/data/marker") == "before")
            #expect(try world.leftovers(of: target).isEmpty)
            let seeds = try await world.hypervisor.domain(target.reference).inactiveDisks
            #expect(seeds.count == 1, "the seed is gone with the undo")
          }
        }
      }
    }

    @Test func `a target that was off stays off and has the new disk`() async throws {
      try await RestoreWorld.with { world in
        try await withMicroGuest(Self.options("alpha")) { source in
          try await withMicroGuest(Self.options("bravo", format: "qcow2")) {
            target in
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            let result = try await world.finished(
              world.restore(backup, of: a, onto: b)
            ).restored()
            #expect(result.downtime.totalMilliseconds == 0)
            #expect(result.network.confirmedReason == .targetOff)
            #expect(try await world.hypervisor.state(of: target.reference) == .stopped)
            try await target.boot()
            #expect(try await target.read("/data/name").contains("alpha"))
          }
        }
      }
    }

    @Test func `a corrupt chunk fails the job in its stage and marks the backup`() async throws {
      try await RestoreWorld.with { world in
        try await withMicroGuest(Self.options("alpha")) { source in
          try await withMicroGuest(Self.options("bravo")) { target in
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            try Self.damageLargestChunk(in: "\(world.folder)/datastore/.chunks")
            let before = try Data(contentsOf: URL(filePath: target.diskPath))
            let job = try await world.finished(world.restore(backup, of: a, onto: b))
            #expect(job.state == .failed)
            #expect(job.failure?.code == .backupDamaged)
            #expect(job.failure?.left == .untouched)
            #expect(try Data(contentsOf: URL(filePath: target.diskPath)) == before)
            #expect(try world.leftovers(of: target).isEmpty)
            let sources = try await world.operations.restoreSources(
              RestoreWorld.operatorCaller,
              for: b.id.text
            ).items
            #expect(sources.isEmpty, "a damaged backup isn't offered")
          }
        }
      }
    }

    private static func damageLargestChunk(in folder: String) throws {
      var largest = (path: "", size: 0)
      let walk = FileManager.default.enumerator(atPath: folder)
      while let name = walk?.nextObject() as? String {
        let path = "\(folder)/\(name)"
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        guard attributes[.type] as? FileAttributeType == .typeRegular,
          let size = attributes[.size] as? Int, size > largest.size
        else { continue }
        largest = (path, size)
      }
      var bytes = try Data(contentsOf: URL(filePath: largest.path))
      bytes[bytes.count / 2] ^= 0x10
      try bytes.write(to: URL(filePath: largest.path))
    }

    @Test func `a start by hand between stop and exchange is seen, and nothing is exchanged`()
      async throws
    {
      try await RestoreWorld.with { world in
        try await withMicroGuest(Self.options("alpha")) { source in
          try await withMicroGuest(Self.options("bravo")) { target in
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            world.hooks.at(.afterStop) {
              _ = try? await world.libvirt.virsh("start", target.name)
            }
            let job = try await world.finished(world.restore(backup, of: a, onto: b))
            #expect(job.state == .failed)
            #expect(job.failure?.code == .vpsNotReady)
            try await target.waitUntilReady()
            #expect(try await target.read("/data/name").contains("bravo"))
            #expect(try world.leftovers(of: target).isEmpty)
          }
        }
      }
    }

    @Test func `under the exchange's locks a start by hand fails cleanly`() async throws {
      try await RestoreWorld.with { world in
        try await withMicroGuest(Self.options("alpha")) { source in
          try await withMicroGuest(Self.options("bravo")) { target in
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            let refused = Flag()
            world.hooks.at(.afterExchange) {
              do {
                try await world.libvirt.virsh("start", target.name)
              } catch {
                refused.raise()
              }
            }
            let job = try await world.finished(world.restore(backup, of: a, onto: b))
            #expect(job.state == .completed)
            #expect(refused.isRaised)
          }
        }
      }
    }

    @Test func `a start that fails after the swap brings the former disk back, running`()
      async throws
    {
      try await RestoreWorld.with { world in
        try await withMicroGuest(Self.options("alpha")) { source in
          try await withMicroGuest(Self.options("bravo")) { target in
            try await target.boot()
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            world.hooks.at(.beforeStart) {
              // The new seed belongs to the new disk: without it QEMU can't start.
              try? FileManager.default.removeItem(atPath: "\(world.folder)/seeds/\(b.id)")
            }
            let job = try await world.finished(world.restore(backup, of: a, onto: b))
            #expect(job.state == .failed)
            #expect(job.failure?.code == .startFailedRolledBack)
            #expect(job.failure?.left == .rolledBack)
            try await target.waitUntilReady()
            #expect(try await target.read("/data/name").contains("bravo"))
            #expect(try world.leftovers(of: target).isEmpty)
            #expect(try await world.hypervisor.domain(target.reference).inactiveDisks.count == 1)
          }
        }
      }
    }

    @Test func `a guest that ignores every request is destroyed after the bounded wait`()
      async throws
    {
      try await RestoreWorld.with(shutdownTimeout: .seconds(2)) { world in
        var stubborn = Self.options("bravo")
        stubborn.kernelArguments = ["noacpi", "noagent"]
        let chosen = stubborn
        try await withMicroGuest(Self.options("alpha")) { source in
          try await withMicroGuest(chosen) { target in
            try await target.boot()
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            let result = try await world.finished(
              world.restore(backup, of: a, onto: b)
            ).restored()
            #expect(result.downtime.shutdownMilliseconds >= 2000)
            #expect(result.network.confirmed == false)
            try await target.waitUntilReady()
            #expect(try target.console().contains("alpha"))
          }
        }
      }
    }

    @Test func `a cancel in the stage leaves the target running and as it was`() async throws {
      try await RestoreWorld.with { world in
        try await withMicroGuest(Self.options("alpha")) { source in
          try await withMicroGuest(Self.options("bravo")) { target in
            try await target.boot()
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            world.hooks.at(.duringStage) {
              let jobs = try? await world.operations.jobs(
                RestoreWorld.operatorCaller,
                vps: b.id.text
              )
              guard let job = jobs?.first else { return }
              _ = try? await world.operations.perform(
                world.operations.cancelJob(RestoreWorld.operatorCaller, job.id.text)
              )
              // A cancel reaches the worker with its next renewal.
              try? await Task.sleep(for: Limits.leaseRenewal)
            }
            let job = try await world.finished(world.restore(backup, of: a, onto: b))
            #expect(job.state == .cancelled)
            #expect(job.failure?.left == .untouched)
            #expect(try await target.read("/data/name").contains("bravo"))
            #expect(try world.leftovers(of: target).isEmpty)
          }
        }
      }
    }

    @Test func `libvirt lost in the middle and back again doesn't lose the restore`() async throws {
      try await RestoreWorld.with { world in
        try await withMicroGuest(Self.options("alpha")) { source in
          try await withMicroGuest(Self.options("bravo")) { target in
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            world.hooks.at(.duringVerify) {
              try? await world.libvirt.killDaemon()
            }
            let job = try await world.restore(backup, of: a, onto: b)
            try await Task.sleep(for: .seconds(3))
            try await world.libvirt.restartDaemon()
            #expect(try await world.finished(job).state == .completed)
          }
        }
      }
    }
  }
}
