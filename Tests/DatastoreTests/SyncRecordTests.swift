import Checksum
import Foundation
import Testing

@testable import Datastore

/// Chunks of a backup that a loss of power cut off, found by the next one.
struct SyncRecordTests {
  private static let plain = text(1 << 16)

  /// Stores the chunk in a backup that never ends, and cuts its file off.
  private func cutOff(_ root: String, boot: String) async throws {
    let test = try TestStore(root: root, sync: .filesystem, bootID: boot)
    #expect(try await putOne(Self.plain, in: test) != .reused)
    try cutFile(test)
  }

  private func cutFile(_ test: TestStore) throws {
    let file = test.file(of: digest(Self.plain))
    let written = try FileManager.default.attributesOfItem(atPath: file)[.modificationDate]
    let bytes = try test.read(file)
    try test.write(Array(bytes.prefix(bytes.count / 2)), to: file)
    // The kernel gave it its time when it was written.
    try FileManager.default.setAttributes(
      [.modificationDate: try #require(written)],
      ofItemAtPath: file
    )
  }

  @Test func `after another boot a chunk that was never synced is read before it is relied on`()
    async throws
  {
    try await withScratch { root in
      try await cutOff(root, boot: "one")
      let test = try TestStore(root: root, sync: .filesystem, bootID: "two")
      #expect(try await putOne(Self.plain, in: test) != .reused)
      #expect(try DataBlob.decode(test.read(test.file(of: digest(Self.plain)))) == Self.plain)
      #expect(try await putOne(Self.plain, in: test) == .reused, "now it is whole")
    }
  }

  @Test func `a host that boots with a clock that is behind doubts what is from later`()
    async throws
  {
    try await withScratch { root in
      try await cutOff(root, boot: "one")
      let first = try TestStore(root: root, sync: .filesystem, bootID: "one")
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: 3600)],
        ofItemAtPath: first.file(of: digest(Self.plain))
      )
      let test = try TestStore(root: root, sync: .filesystem, bootID: "two")
      #expect(try await putOne(Self.plain, in: test) != .reused)
    }
  }

  @Test func `a doubt ends when a clock that is right has seen something synced`() async throws {
    try await withScratch { root in
      let (layout, files) = (StoreLayout(root: root), FileCalls())
      let first = try SyncRecord(layout, bootID: "one", now: 100, files)
      try first.didSync(before: 200, files)
      let second = try SyncRecord(layout, bootID: "two", now: 50, files)
      #expect(second.isDoubtful(writtenAt: 205))
      try second.didSync(before: 60, files)
      #expect(second.isDoubtful(writtenAt: 205))
      try second.didSync(before: 300, files)
      #expect(second.isDoubtful(writtenAt: 205))
      #expect(!second.isDoubtful(writtenAt: 301))
    }
  }

  @Test func `in the same boot the kernel still has what it took`() async throws {
    try await withScratch { root in
      _ = try await putOne(
        Self.plain,
        in: try TestStore(root: root, sync: .filesystem, bootID: "one")
      )
      // Cut off by nobody's crash: that isn't looked for.
      try cutFile(try TestStore(root: root, sync: .filesystem, bootID: "one"))
      let test = try TestStore(root: root, sync: .filesystem, bootID: "one")
      #expect(try await putOne(Self.plain, in: test) == .reused)
    }
  }

  @Test func `a doubt outlives later backups and boots`() async throws {
    try await withScratch { root in
      try await cutOff(root, boot: "one")
      let second = try TestStore(root: root, sync: .filesystem, bootID: "two")
      let writer = try await second.store.begin(namespace: [], id: "other", notBefore: 1)
      let index = try writer.beginIndex("drive-a.img.fidx", size: 1 << 16, chunkSize: 1 << 16)
      try await second.put(noise(1 << 16), in: index)
      try await index.close()
      _ = try await writer.finish()
      let third = try TestStore(root: root, sync: .filesystem, bootID: "three")
      #expect(try await putOne(Self.plain, in: third) != .reused)
    }
  }

  @Test func `what was synced isn't read again after a boot`() async throws {
    try await withScratch { root in
      let first = try TestStore(root: root, sync: .filesystem, bootID: "one")
      let writer = try await first.store.begin(namespace: [], id: "own", notBefore: 1)
      let index = try writer.beginIndex("drive-a.img.fidx", size: 1 << 16, chunkSize: 1 << 16)
      try await first.put(Self.plain, in: index)
      try await index.close()
      let file = first.file(of: digest(Self.plain))
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -60)],
        ofItemAtPath: file
      )
      _ = try await writer.finish()
      // Only so can it be seen that nobody reads it.
      try cutFile(first)
      let second = try TestStore(root: root, sync: .filesystem, bootID: "two")
      #expect(try await putOne(Self.plain, in: second) == .reused)
    }
  }

  @Test func `a store without a record is taken as it is`() async throws {
    try await withScratch { root in
      try await cutOff(root, boot: "one")
      try FileManager.default.removeItem(atPath: "\(root)/.rehome-sync.json")
      let test = try TestStore(root: root, sync: .filesystem, bootID: "two")
      #expect(try await putOne(Self.plain, in: test) == .reused)
    }
  }
}
