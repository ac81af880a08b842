import Checksum
import Disks
import Foundation
import TestSupport
import Testing

@testable import Datastore

struct StoreTests {
  @Test func `A new store has every chunk folder, and making it again changes nothing`()
    async throws
  {
    try await withScratch { scratch in
      let root = scratch + "/deep/er"
      try LocalDatastore.create(at: root + "/")
      let folders = try FileManager.default.contentsOfDirectory(atPath: root + "/.chunks")
      #expect(folders.count == 65536)
      #expect(Set(folders).isSuperset(of: ["0000", "00ff", "beef", "ffff"]))
      let test = try TestStore(root: root)
      let writer = try await test.backUp(noise(100))
      try LocalDatastore.create(at: root)
      #expect(try await test.restore(writer.path).count == 100)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: root).sorted() == [
          ".chunks", ".lock", "ns",
        ]
      )
    }
  }

  @Test func `A folder that is no store is refused`() async throws {
    try await withScratch { root in
      for path in [root, root + "/nowhere"] {
        #expect(throws: DatastoreError.notADatastore(path: path)) {
          try LocalDatastore(path: path, sync: .none, executor: TestStore.executor)
        }
      }
      let left = try FileManager.default.contentsOfDirectory(atPath: root)
      #expect(left == [])
    }
  }

  @Test func `Sync levels have the names of the configuration`() {
    #expect(SyncLevel.allCases.map(\.rawValue) == ["filesystem", "file", "none"])
  }

  @Test func `Status counts snapshots, room and chunks`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      try await test.backUp(noise(3 << 16), at: 1000, chunkSize: 4 << 20)
      try await test.backUp(noise(3 << 16), namespace: ["x", "y"], at: 2000, chunkSize: 4 << 20)
      _ = try await test.store.begin(namespace: [], id: "v", notBefore: 1)
      let status = try await test.store.status()
      #expect(status.path == root)
      #expect(status.snapshotCount == 2)
      #expect(status.unfinishedCount == 1)
      #expect(status.totalBytes > status.freeBytes && status.freeBytes > 0)
      #expect(status.estimatedChunkCount == 2)
      #expect(status.estimatedChunkBytes == 2 * (3 << 16) + 24)
    }
  }

  @Test func `Status estimates the chunks where there are many`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let name = String(repeating: "0", count: 61)
      for number in 256..<612 {
        try test.write([1, 2], to: "\(root)/.chunks/0000/\(name)\(number)")
      }
      let status = try await test.store.status()
      #expect(status.estimatedChunkCount == 356 * 256)
      #expect(status.estimatedChunkBytes == 2 * 356 * 256)
    }
  }

  @Test(arguments: [
    (old: 86_400, now: 5000, modified: 5000, isKept: true),
    (old: 86_400, now: 5001, modified: 5000, isKept: true),
    (old: 5000, now: 5000, modified: 5000, isKept: false),
    (old: 86_400, now: 86_400, modified: 1_000_000, isKept: false),
    (old: 86_400, now: 5000, modified: 4999, isKept: false),
  ])
  func `A file system passes only if it keeps both times as they were set`(
    old: Int,
    now: Int,
    modified: Int,
    isKept: Bool
  ) {
    func status(access: Int, modification: Int) -> FileStatus {
      FileStatus(
        isDirectory: false,
        isRegularFile: true,
        byteCount: 0,
        accessSeconds: access,
        modificationSeconds: modification
      )
    }
    let created = max(modified, 5000)
    let seen = TimestampProbe.Observation(
      created: status(access: created, modification: created),
      afterOldTime: status(access: old, modification: modified),
      afterNow: status(access: now, modification: modified)
    )
    #expect(TimestampProbe.isKept(seen) == isKept)
  }

  @Test(.enabled("needs to mount a small file system", { await SmallFileSystem.isAvailable }))
  func `A full file system is told as such, and abandoning gives the room back`() async throws {
    try await withScratch { root in
      try await SmallFileSystem.with(at: root, megabytes: 4) {
        let test = try TestStore(root: root)
        let writer = try await test.store.begin(namespace: [], id: "v", notBefore: 1)
        let disk = noise(8 << 20)
        let index = try writer.beginIndex("drive-a.img.fidx", size: Int64(disk.count))
        await #expect(throws: DatastoreError.outOfSpace) { try await test.put(disk, in: index) }
        await writer.abandon()
        #expect(try await test.store.unfinished() == [])
        let chunks = try FileManager.default.subpathsOfDirectory(atPath: root + "/.chunks")
        #expect(!chunks.contains { $0.contains("tmp") })
        #expect(!DatastoreError.outOfSpace.isDamage)
      }
    }
  }
}
