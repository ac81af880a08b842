import Catalog
import Disks
import Foundation
import Model
import Synchronization
import TestSupport
import Testing

@testable import Restore

/// A qcow2 disk's stage begins as a clone of its file where the file system can.
@Suite(.scratchDirectory, .timeLimit(.minutes(5)))
struct Qcow2CloneTests {
  private typealias World = SimulatedWorld

  private static let held = World.disk(String(repeating: "abcdefgh", count: 16))
  private static let wanted = World.disk(
    String(repeating: "abcdefgh", count: 8) + "X" + String(repeating: "bcdefgha", count: 7)
      + "bcdefgh"
  )

  private static func withTarget(
    _ body: @escaping @Sendable (SimulatedWorld, Backup) async throws -> Void
  ) async throws {
    try await withXFS(in: ScratchDirectory.path) { folder in
      let world = try await World.make(holding: held, format: .qcow2, in: folder)
      let backup = try await world.backup(of: wanted)
      try await world.working { try await body(world, backup) }
    }
  }

  @Test func `only what differs is written, and the undo brings the former disk back`()
    async throws
  {
    try await Self.withTarget { world, backup in
      try await TestProcess.run("qemu-img", ["bitmap", "--add", world.disk, "rehome-1"])
      let job = try await world.restore(backup, .staged)
      let result = try job.restored()
      let changed = Int64(World.chunkSize)
      let differing = zip(Self.held.chunks(World.chunkSize), Self.wanted.chunks(World.chunkSize))
        .count { $0 != $1 }
      #expect(result.bytesWritten == Int64(differing) * changed)
      #expect(result.bytesCompared == Int64(Self.held.count))
      #expect(try await world.bench.contents(world.disk, .qcow2) == Self.wanted)
      try await TestProcess.run("qemu-img", ["check", "-q", world.disk])
      let undo = try #require(try await world.undoRecord())
      let detail: UndoDetail = try #require(RestoreJournal.decode(undo.detail))
      #expect((detail.sharedBytes ?? 0) > 0, "room is promised to what is shared")
      #expect(try await world.undo(job).state == .completed)
      #expect(try await world.bench.contents(world.disk, .qcow2) == Self.held)
    }
  }

  @Test func `a file that can't be made sound is not begun with`() async throws {
    try await Self.withTarget { world, backup in
      // The second cluster has the places of the counts of references.
      let file = try FileHandle(forUpdating: URL(filePath: world.disk))
      try file.seek(toOffset: 131_072)
      try file.write(contentsOf: Data(repeating: 0, count: 64))
      try file.close()
      let promised = Mutex<Int64?>(nil)
      world.hooks.at(.duringStage) {
        let (vps, place) = (world.target.id, try? await FreeSpace.at(world.disk).fileSystem)
        let bytes = try? await world.catalog.read { transaction -> Int64 in
          guard let place, let job = try transaction.unfinishedJob(of: vps, class: .data) else {
            return -1
          }
          return try transaction.reservedBytes(of: job.id, fileSystem: place)
        }
        promised.withLock { $0 = bytes }
      }
      let result = try await world.restore(backup, .staged).restored()
      // A restore that is put into the catalog as here is promised nothing but its clone's room, of which
      // a last byte stays as the row.
      #expect(promised.withLock { $0 } == 1)
      #expect(result.bytesCompared == 0)
      #expect(result.bytesWritten == Int64(Self.wanted.count))
      #expect(try await world.bench.contents(world.disk, .qcow2) == Self.wanted)
      // Nor is room promised for what shares nothing.
      let undo = try #require(try await world.undoRecord())
      let detail: UndoDetail = try #require(RestoreJournal.decode(undo.detail))
      #expect(detail.sharedBytes == nil)
    }
  }

  @Test func `a disk whose header rules it out isn't even cloned`() async throws {
    try await Self.withTarget { world, backup in
      // A mark of images whose counts of references are put off: QEMU has it open, or was killed.
      let file = try FileHandle(forUpdating: URL(filePath: world.disk))
      try file.seek(toOffset: 79)
      try file.write(contentsOf: Data([1]))
      try file.close()
      let result = try await world.restore(backup, .staged).restored()
      #expect(result.bytesCompared == 0)
      #expect(await !world.host.calls.contains { $0.operation == .flushCount })
      #expect(try await world.bench.contents(world.disk, .qcow2) == Self.wanted)
    }
  }

  @Test func `a backup counts flushes when its session has begun, not before`() async throws {
    try await Self.withTarget { world, _ in
      // Nobody serves the session's disks here, so that it comes to nothing.
      _ = try await world.backUpTarget()
      let calls = await world.host.calls.map(\.operation)
      let begun = try #require(calls.firstIndex(of: .beginBackup))
      #expect(begun < calls.firstIndex(of: .flushCount) ?? 0)
    }
  }

  @Test func `one that is off since its backup isn't read`() async throws {
    try await withXFS(in: ScratchDirectory.path) { folder in
      let held =
        [UInt8](repeating: 0x61, count: Limits.chunkBytes)
        + [UInt8](repeating: 0x62, count: Limits.chunkBytes)
      let wanted = [UInt8](repeating: 0x61, count: 2 * Limits.chunkBytes)
      try await World.with(holding: held, isRunning: false, format: .qcow2, in: folder) { world in
        while try await StillMark.of(world.disk) == nil {
          try await Task.sleep(for: .milliseconds(50))
        }
        #expect(try await world.backUpTarget().state == .completed)
        let backup = try await world.backup(of: wanted, chunkSize: Limits.chunkBytes)
        let result = try await world.restore(backup, .staged).restored()
        #expect(result.bytesCompared == 0)
        #expect(result.bytesReused == Int64(Limits.chunkBytes))
        #expect(try await world.bench.contents(world.disk, .qcow2) == wanted)
      }
    }
  }
}

extension [UInt8] {
  fileprivate func chunks(_ size: Int) -> [ArraySlice<UInt8>] {
    stride(from: 0, to: count, by: size).map { self[$0..<Swift.min(count, $0 + size)] }
  }
}
