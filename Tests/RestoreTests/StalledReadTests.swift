import Foundation
import Model
import Operations
import TestSupport
import Testing

extension OnRealGuests {
  /// Backups whose reads don't come back.
  @Suite struct StalledReadTests {
    @Test func `a backup whose guest's storage hangs can be cancelled, and the guest runs on`()
      async throws
    {
      try await RestoreWorld.with { world in
        try await withMicroGuest { guest in
          try await guest.boot()
          let vps = try await world.register(guest)
          let stall = Stall()
          // Whatever fails here: the worker's end waits for its reads.
          defer { stall.end() }
          world.hooks.stallReadsOfSessions(stall)
          try await world.observe(vps)
          let (operations, caller) = (world.operations, RestoreWorld.operatorCaller)
          let job = try await operations.perform(operations.createBackup(caller, of: vps.id.text))
          let deadline = ContinuousClock.now + .seconds(60)
          while !stall.isMet, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(50))
          }
          #expect(stall.isMet)
          _ = try await operations.perform(operations.cancelJob(caller, job.id.text))
          let ended = try await world.finished(job)
          #expect(ended.state == .cancelled, "\(ended)")
          #expect(try await guest.read("/data/name").contains("micro"))
          let left = try FileManager.default.contentsOfDirectory(atPath: "\(world.folder)/run")
          #expect(left == [])
        }
      }
    }
  }
}
