import Checksum
import Disks
import Foundation
import Model
import TestSupport
import Testing

@testable import Datastore

struct VerificationTests {
  private let rate = RateLimiter()

  private func verify(
    _ test: TestStore,
    _ path: SnapshotPath,
    _ known: VerifiedChunks = VerifiedChunks()
  ) async throws -> SnapshotFindings {
    try await test.store.verify(path, known: known, rate: rate)
  }

  @Test func `a whole snapshot has no bad part, and what several share is read once`()
    async throws
  {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let disk = noise(2 << 16) + zeros(1 << 16) + text(999)
      let one = try await test.backUp(disk, blobs: ["a.conf.blob": [1, 2]])
      let two = try await test.backUp(disk + noise(7), at: 2000)
      let known = VerifiedChunks()
      let first = try await verify(test, one.path, known)
      #expect(first.isComplete && first.damage == [] && first.chunkCount == 4)
      #expect(first.bytesRead == Int64(disk.count))
      let second = try await verify(test, two.path, known)
      // The last chunk is longer by seven bytes, and so another one.
      #expect(second.isComplete && second.damage == [] && second.chunkCount == 1)
    }
  }

  @Test func `a bad chunk is put aside under the name of PBS, and a backup that holds it heals it`()
    async throws
  {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let disk = noise(1 << 16) + noise(1 << 16)
      let writer = try await test.backUp(disk)
      let bad = digest(Array(disk[..<(1 << 16)]))
      let file = test.file(of: bad)
      try test.flip(file, at: 5000)
      let harmed = try test.read(file)
      try test.write([1], to: file + ".0.bad")
      let findings = try await verify(test, writer.path)
      #expect(findings.isComplete && findings.badChunkCount == 1)
      #expect(findings.damage == [DamagedPart(.chunk, bad.description)])
      #expect(!test.exists(file))
      #expect(try test.read(file + ".1.bad") == harmed)
      #expect(try await !test.store.hasChunk(named: bad.description))
      // Now it is missing, which is no better.
      #expect(try await verify(test, writer.path).damage == findings.damage)
      try await test.backUp(disk, at: 2000)
      #expect(try await test.store.hasChunk(named: bad.description))
      #expect(try await verify(test, writer.path).damage == [])
      #expect(try await test.restore(writer.path) == disk)
    }
  }

  @Test func `a chunk that is sound is never put aside, whatever an index says of its length`()
    async throws
  {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let plain = noise(1000)
      try await test.backUp(plain)
      let chunks = ChunkStore(layout: StoreLayout(root: root), sync: .none, syncRecord: nil)
      #expect(try chunks.quarantine(digest(plain), FileCalls()) == nil)
      #expect(try chunks.quarantine(digest([]), FileCalls()) == nil)
      #expect(test.exists(test.file(of: digest(plain))))
      // Of what is encrypted nobody can say that it is bad.
      let sealed = DataBlob.Kind.encrypted.magic + noise(1000)
      try test.write(sealed, to: test.file(of: digest([9])))
      #expect(try chunks.quarantine(digest([9]), FileCalls()) == nil)
    }
  }

  @Test(arguments: [
    "index.json.blob", "drive-virtio0.img.fidx", "a.conf.blob",
  ])
  func `a bad or missing file of a snapshot is named`(name: String) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp(noise(1 << 16), blobs: ["a.conf.blob": [1, 2]])
      let file = "\(test.folder(of: writer.path))/\(name)"
      try test.flip(file, at: try test.read(file).count - 1)
      #expect(try await verify(test, writer.path).damage == [DamagedPart(.file, name)])
      try FileManager.default.removeItem(atPath: file)
      #expect(try await verify(test, writer.path).damage == [DamagedPart(.file, name)])
    }
  }

  @Test func `a store that isn't there has lost nothing`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp(noise(1 << 16))
      for name in [".chunks", "ns"] {
        try FileManager.default.moveItem(atPath: "\(root)/\(name)", toPath: "\(root)/away-\(name)")
      }
      await #expect(throws: DatastoreError.notADatastore(path: root)) {
        try await verify(test, writer.path)
      }
    }
  }

  @Test func `a verification that is told to end concludes nothing`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp(noise(1 << 16))
      try FileManager.default.removeItem(atPath: "\(root)/.chunks")
      try FileManager.default.createDirectory(
        atPath: "\(root)/.chunks",
        withIntermediateDirectories: true
      )
      let findings = try await withThrowingTaskGroup(of: SnapshotFindings.self) { group in
        group.cancelAll()
        group.addTask { try await verify(test, writer.path) }
        return try await group.next()
      }
      #expect(findings?.isComplete == false && findings?.damage == [])
    }
  }

  @Test func `verification asks for each byte before it reads it`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp(noise(4 << 16))
      let clock = ManualClock()
      let slow = RateLimiter(bytesPerSecond: 1 << 16, clock: clock.timer)
      let findings = try await withThrowingTaskGroup(of: SnapshotFindings?.self) { group in
        group.addTask {
          try await test.store.verify(writer.path, known: VerifiedChunks(), rate: slow)
        }
        group.addTask {
          while !Task.isCancelled {
            await clock.whenSleeping(1)
            clock.advance(by: .milliseconds(200))
          }
          return nil
        }
        defer { group.cancelAll() }
        for try await findings in group where findings != nil { return findings }
        return nil
      }
      #expect(findings?.chunkCount == 4)
      #expect(clock.now() >= ManualClock.usualStart.advanced(by: .milliseconds(2500)))
    }
  }
}
