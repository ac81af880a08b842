import Catalog
import Checksum
import Disks
import Foundation
import Hypervisor
import Model
import Operations
import Restore
import TestSupport
import Testing

extension OnRealGuests {
  /// The ways of a backup onto a disk other than a fresh one beside it, on real guests.
  @Suite struct StrategyTests {
    private static func options(_ name: String, isBlockDevice: Bool = false) -> MicroGuest.Options {
      var options = MicroGuest.Options(named: name)
      options.size = "96M"
      options.isBlockDevice = isBlockDevice
      return options
    }

    @Test(arguments: [false, true])
    func `a disk is written over where it is, and back, whatever the guest wrote since`(
      isBlockDevice: Bool
    ) async throws {
      try await RestoreWorld.with { world in
        try await withMicroGuest(Self.options("alpha")) { source in
          try await withMicroGuest(Self.options("bravo", isBlockDevice: isBlockDevice)) {
            target in
            try await target.boot()
            try await target.write("before", to: "/data/marker")
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            let job = try await world.finished(
              world.restore(backup, of: a, onto: b, strategy: .inPlace)
            )
            let result = try job.restored()
            #expect(result.strategy == .inPlace)
            #expect(result.verified)
            #expect(result.bytesWritten > 0)
            #expect(result.bytesReused > 0)
            try await target.waitUntilReady()
            #expect(try await target.read("/data/name").contains("alpha"))
            #expect(try world.undoLogs().count == 1)
            try await target.write("lost with the undo", to: "/data/marker")

            // The undo needs the backup, so it can't be deleted.
            await #expect(throws: Refusal.backupInUse) {
              try await world.operations.deleteBackup(RestoreWorld.operatorCaller, backup.text)
            }
            try await world.observe(b)
            let undo = try await world.finished(
              world.operations.perform(
                world.operations.undoRestore(RestoreWorld.operatorCaller, job.id.text)
              )
            )
            #expect(undo.state == .completed)
            try await target.waitUntilReady()
            #expect(try await target.read("/data/marker") == "before")
            #expect(try await target.read("/data/name").contains("bravo"))
            #expect(try world.undoLogs().isEmpty)
            try await world.operations.deleteBackup(RestoreWorld.operatorCaller, backup.text)
          }
        }
      }
    }

    @Test func `a failure while a disk is written over puts everything back`() async throws {
      try await RestoreWorld.with { world in
        try await withMicroGuest(Self.options("alpha")) { source in
          try await withMicroGuest(Self.options("bravo")) { target in
            try await target.boot()
            try await target.write("before", to: "/data/marker")
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            // The last chunk that is needed goes missing when the target has been stopped.
            world.hooks.at(.beforeExchange) {
              do {
                try world.damageLastChunk(of: source.diskPath, missingIn: target.diskPath)
              } catch {
                Issue.record(error)
              }
            }
            let job = try await world.finished(
              world.restore(backup, of: a, onto: b, strategy: .inPlace)
            )
            #expect(job.state == .failed)
            #expect(job.failure?.left == .rolledBack)
            try await target.waitUntilReady()
            #expect(try await target.read("/data/marker") == "before")
            #expect(try await target.read("/data/name").contains("bravo"))
            #expect(try world.undoLogs().isEmpty)
          }
        }
      }
    }

    @Test(arguments: [RestoreVerification.readback, .sourceOnly])
    func `a restore says whether it has read back what it wrote`(
      _ verification: RestoreVerification
    ) async throws {
      try await RestoreWorld.with(verification: verification) { world in
        try await withMicroGuest(Self.options("alpha")) { source in
          try await withMicroGuest(Self.options("bravo")) { target in
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            let result = try await world.finished(world.restore(backup, of: a, onto: b)).restored()
            #expect(result.verified == (verification == .readback))
            let wanted = try Data(contentsOf: URL(filePath: source.diskPath))
            let found = try Data(contentsOf: URL(filePath: target.diskPath))
            #expect(found == wanted)
          }
        }
      }
    }

    @Test func `room for a clone that the file system can't make is promised no longer`()
      async throws
    {
      var large = Self.options("bravo")
      large.size = "256M"
      let options = large
      try await RestoreWorld.with { world in
        try await withMicroGuest(Self.options("alpha")) { source in
          try await withMicroGuest(options) { target in
            let folder = target.folder
            let canClone = try? await TestProcess.run(
              "cp",
              ["--reflink=always", target.diskPath, "\(folder)/copy"]
            )
            guard canClone == nil else { return }
            // Far more than the backup has.
            let disk = try FileHandle(forWritingTo: URL(filePath: target.diskPath))
            try disk.seek(toOffset: 64 << 20)
            try disk.write(contentsOf: Data(repeating: 1, count: 160 << 20))
            try disk.close()
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            let fileSystem = try await FreeSpace.at(target.diskPath).fileSystem
            let catalog = world.catalog
            world.hooks.at(.duringVerify) {
              let owed = try? await catalog.read {
                try $0.reservedBytes(node: "local", fileSystem: fileSystem)
              }
              #expect(owed ?? .max < 100 << 20)
            }
            _ = try await world.finished(world.restore(backup, of: a, onto: b)).restored()
          }
        }
      }
    }

    @Test func `a block device is refused by the staged strategy`() async throws {
      try await RestoreWorld.with { world in
        try await withMicroGuest(Self.options("alpha")) { source in
          try await withMicroGuest(Self.options("bravo", isBlockDevice: true)) { target in
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            do {
              _ = try await world.restore(backup, of: a, onto: b)
              Issue.record("accepted")
            } catch Refusal.invalidRequest(let faults) {
              #expect(faults.map(\.code) == [.unsupportedTargetStorage])
            }
          }
        }
      }
    }
  }
}

extension RestoreWorld {
  /// The undo logs of in-place restores.
  func undoLogs() throws -> [String] {
    let path = "\(folder)/undo"
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: path)
  }

  /// Takes out of the store the last chunk that a restore from one disk onto another can't do without.
  func damageLastChunk(of source: String, missingIn target: String) throws {
    let size = 4 << 20
    func pieces(_ path: String) throws -> [Data] {
      let disk = try Data(contentsOf: URL(filePath: path))
      return stride(from: 0, to: disk.count, by: size)
        .map { Data(disk[$0..<min($0 + size, disk.count)]) }
    }
    let present = try pieces(target)
    let needed = try pieces(source).filter { !present.contains($0) }
    guard needed.count > 1, let last = needed.last else {
      throw Unexpected(description: "the disks differ in \(needed.count) chunks only")
    }
    let name = [UInt8](last).withRawBytes { Digest(sha256: $0) }.description
    try FileManager.default.removeItem(
      atPath: "\(folder)/datastore/.chunks/\(name.prefix(4))/\(name)"
    )
  }
}
