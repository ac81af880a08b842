import Catalog
import Foundation
import Hypervisor
import Model
import Operations
import Restore
import Synchronization
import TestSupport
import Testing

extension OnRealGuests {
  /// Power actions on real guests, alone and beside a restore.
  @Suite struct RealPowerTests {
    private final class Accepted: Sendable {
      let job = Mutex<Job?>(nil)
    }

    @Test
    func `a guest is started, restarted, reset, shut down and stopped, and its status is live`()
      async throws
    {
      try await RestoreWorld.with { world in
        try await withMicroGuest { guest in
          let vps = try await world.register(guest)
          func act(_ action: PowerAction) async throws -> PowerState {
            let job = try await world.operations.perform(
              world.operations.changePower(
                RestoreWorld.operatorCaller,
                of: vps.id.text,
                PowerTask(action: action)
              )
            )
            let ended = try await world.finished(job)
            guard case .power(let result) = ended.result else {
              throw Unexpected(description: "\(ended)")
            }
            return result.powerState
          }
          #expect(try await act(.start) == .running)
          try await guest.waitUntilReady()
          try await guest.write("kept", to: "/data/marker")
          let first = try await guest.read("/proc/sys/kernel/random/boot_id")
          let status = try await world.hypervisor.usage(of: guest.reference, within: .seconds(10))
          #expect(status.state == .running)
          let uptime = try #require(status.uptimeSeconds)
          #expect((0...600).contains(uptime))
          #expect(status.memoryTotalBytes > 0)
          #expect(status.storageTotalBytes == 256 << 20)
          #expect(try #require(status.storageUsedBytes) > 0)

          #expect(try await act(.restart) == .running)
          try await guest.waitUntilReady()
          #expect(try await guest.read("/proc/sys/kernel/random/boot_id") != first)
          #expect(try await guest.read("/data/marker") == "kept")
          #expect(try await act(.reset) == .running)
          try await guest.waitUntilReady()
          #expect(try await act(.shutdown) == .stopped)
          #expect(try await world.hypervisor.state(of: guest.reference) == .stopped)
          let off = try await world.hypervisor.usage(of: guest.reference, within: .seconds(10))
          #expect(off.state == .stopped)
          #expect(off.uptimeSeconds == nil)
          #expect(try await act(.start) == .running)
          #expect(try await act(.stop) == .stopped)
        }
      }
    }

    @Test func `a power action that comes within a restore's exchange waits for its start`()
      async throws
    {
      try await RestoreWorld.with { world in
        var options = MicroGuest.Options()
        options.name = "alpha"
        options.text = "alpha"
        try await withMicroGuest(options) { guest in
          try await guest.boot()
          try await guest.write("old", to: "/data/marker")
          let vps = try await world.register(guest)
          let backup = try await world.backUp(vps)
          try await guest.write("new", to: "/data/marker")
          let accepted = Accepted()
          world.hooks.at(.afterStop) {
            // Past the gate, as one that was accepted a moment before the stop.
            let job = Job(
              id: IdentifierFactory(clock: SystemWallClock()).make(),
              clientID: vps.clientID,
              vpsID: vps.id,
              node: vps.node,
              task: .power(PowerTask(action: .start)),
              createdAt: SystemWallClock().now()
            )
            do {
              try await world.catalog.write { try $0.insert(job) }
              accepted.job.withLock { $0 = job }
            } catch {
              Issue.record(error)
            }
          }
          try await world.observe(vps)
          let restore = try await world.operations.perform(
            world.operations.restoreFromVPS(
              RestoreWorld.operatorCaller,
              RestoreRequest(target: vps.id.text, source: nil, backup: backup.text)
            )
          )
          let ended = try await world.finished(restore)
          #expect(ended.state == .completed, "\(ended)")
          let power = try await world.finished(#require(accepted.job.withLock { $0 }))
          #expect(power.state == .completed, "\(power)")
          let stored = try await world.operations.job(
            RestoreWorld.operatorCaller,
            restore.id.text
          )
          let exchanged = try await world.catalog.read { try $0.steps(of: stored.id) }
            .first { $0.name == JournalStep.start && $0.phase == .done }
          #expect(try #require(power.finishedAt) >= #require(exchanged).at)
          try await guest.waitUntilReady()
          #expect(try await guest.read("/data/marker") == "old", "its own backup is back")
        }
      }
    }
  }
}
