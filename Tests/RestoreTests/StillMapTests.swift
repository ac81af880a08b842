import Disks
import Foundation
import Model
import TestSupport
import Testing

@testable import Restore

/// A target that is off since its own last backup isn't read when another is put onto it.
@Suite(.scratchDirectory, .timeLimit(.minutes(5)))
struct StillMapTests {
  /// Chunks of a letter each, or of zeros: what two machines share is in the letters.
  private static func disk(_ random: inout Seeded) -> [UInt8] {
    let letters: [UInt8] = [0x61, 0x62, 0x63, 0]
    return (0..<5).flatMap { _ in
      let letter = letters.randomElement(using: &random) ?? 0
      return [UInt8](repeating: letter, count: Limits.chunkBytes)
    }
  }

  @Test func `what its backup shows isn't read, and everything is after one byte was written`()
    async throws
  {
    try await withXFS(in: ScratchDirectory.path) { folder in
      var random = Seeded(UInt64.random(in: 0...UInt64.max))
      let first = Self.disk(&random)
      let start = random
      try await SimulatedWorld.with(holding: first, isRunning: false, in: folder) { world in
        var random = start
        var compared: Int64 = 0
        for round in 1...8 {
          let comment: Comment = "round \(round) of \(start)"
          // A mark isn't taken of what has changed within the second.
          while try await StillMark.of(world.disk) == nil {
            try await Task.sleep(for: .milliseconds(50))
          }
          let own = try await world.backUpTarget()
          #expect(own.state == .completed, comment)
          let isTouched = round % 3 == 0
          if isTouched {
            let file = try FileHandle(forUpdating: URL(filePath: world.disk))
            try file.seek(toOffset: UInt64.random(in: 0..<UInt64(first.count), using: &random))
            try file.write(contentsOf: Data([UInt8.random(in: 0...255, using: &random)]))
            try file.close()
          }
          let wanted = Self.disk(&random)
          let backup = try await world.backup(of: wanted, chunkSize: Limits.chunkBytes)
          let job = try await world.restore(backup, .staged)
          let result = try job.restored()
          #expect(try world.contents == wanted, comment)
          if !isTouched { #expect(result.bytesCompared == 0, comment) }
          if isTouched { compared += result.bytesCompared ?? 0 }
        }
        #expect(compared > 0, "\(start)")
      }
    }
  }

  @Test func `what is written after the map was asked for isn't in the stage`() async throws {
    try await withXFS(in: ScratchDirectory.path) { folder in
      let letters = ["a", "b", "c"].map {
        [UInt8](repeating: Array($0.utf8)[0], count: Limits.chunkBytes)
      }
      let held = Array(letters.joined())
      let wanted = Array((letters[..<2] + [letters[0]]).joined())
      try await SimulatedWorld.with(holding: held, isRunning: false, in: folder) { world in
        while try await StillMark.of(world.disk) == nil {
          try await Task.sleep(for: .milliseconds(50))
        }
        #expect(try await world.backUpTarget().state == .completed)
        // A clone made later than this would hold it, in a chunk that the map vouches for.
        world.hooks.atMap {
          guard let file = FileHandle(forUpdatingAtPath: world.disk) else { return }
          try? file.write(contentsOf: Data("later".utf8))
          try? file.close()
        }
        let backup = try await world.backup(of: wanted, chunkSize: Limits.chunkBytes)
        let result = try await world.restore(backup, .staged).restored()
        #expect(result.bytesCompared == 0, "the map was used")
        #expect(try world.contents == wanted)
      }
    }
  }
}
