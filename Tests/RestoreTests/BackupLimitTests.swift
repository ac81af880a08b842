import Foundation
import Model
import Operations
import Synchronization
import TestSupport
import Testing

extension OnRealGuests {
  /// What an operator changes of a backup while it runs.
  @Suite struct BackupLimitTests {
    /// The kernel's class and level.
    private static let idle: Int32 = 3 << 13
    private static let low: Int32 = (2 << 13) | 7

    /// The priorities of the reads so far.
    final class Reads: Sendable {
      private let levels = Mutex<[Int32]>([])

      var all: [Int32] { levels.withLock { $0 } }

      /// Notes a read; true for the first.
      func note(_ level: Int32) -> Bool {
        levels.withLock { levels in
          levels.append(level)
          return levels.count == 1
        }
      }
    }

    @Test(arguments: ["its job's", "its node's"])
    func `an I/O priority that is changed while a backup runs holds for its next reads`(
      _ changed: String
    ) async throws {
      try await RestoreWorld.with { world in
        var options = MicroGuest.Options()
        options.format = "raw"
        try await withMicroGuest(options) { guest in
          let vps = try await world.register(guest)
          // Twice as many chunks as are under way at a time.
          let file = try #require(FileHandle(forUpdatingAtPath: guest.diskPath))
          try file.seek(toOffset: 0)
          for number in 1...24 {
            try file.write(contentsOf: Data(repeating: UInt8(number), count: Limits.chunkBytes))
          }
          try file.close()

          let reads = Reads()
          let operations = world.operations
          world.hooks.atReadsOfImages { level in
            if reads.note(level) {
              guard changed == "its job's" else { return world.backupPriority.set(.low) }
              let job = try? await operations.jobs(RestoreWorld.operatorCaller).last
              guard let job else { return }
              _ = try? await operations.limitJob(RestoreWorld.operatorCaller, job.id.text) {
                $0.ioPriority = .low
              }
            }
            // Those under way stay as they are; the worker follows within a second.
            if level == Self.idle { try? await Task.sleep(for: .seconds(3)) }
          }
          _ = try await world.backUp(vps)
          #expect(Set(reads.all) == [Self.idle, Self.low], "\(reads.all)")
          #expect(reads.all.first == Self.idle, "as the world's settings have it")
          #expect(reads.all.last == Self.low)
        }
      }
    }
  }
}
