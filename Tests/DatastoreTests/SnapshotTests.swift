import Checksum
import Disks
import Foundation
import Synchronization
import Testing

@testable import Datastore

struct SnapshotTests {
  @Test func `A snapshot is invisible until it is finished`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.store.begin(namespace: ["c"], id: "v", notBefore: 1000)
      let index = try writer.beginIndex("drive-virtio0.img.fidx", size: 100)
      try await test.put(noise(100), in: index)
      try await index.close()
      try await writer.addBlob("qemu-server.conf.blob", [1])
      let relative = writer.path.relative
      #expect(relative == "ns/c/vm/v/1970-01-01T00:16:40Z")
      #expect(try await test.store.snapshots(namespace: ["c"], id: "v") == [])
      #expect(try await test.store.unfinished() == [writer.path])
      await #expect(throws: DatastoreError.snapshotNotFound(relative)) {
        try await test.store.open(writer.path)
      }
      _ = try await writer.finish()
      #expect(try await test.store.snapshots(namespace: ["c"], id: "v") == [writer.path])
      #expect(try await test.store.unfinished() == [])
      await writer.abandon()
      #expect(try await test.store.open(writer.path).path == writer.path)
    }
  }

  @Test func `An interrupted snapshot is found by the next process and can be removed`()
    async throws
  {
    try await withScratch { root in
      let kept: SnapshotPath
      let lost: SnapshotPath
      do {
        let test = try TestStore(root: root)
        kept = try await test.backUp(noise(100), at: 1000).path
        let writer = try await test.store.begin(namespace: ["cli_a"], id: "vps_a", notBefore: 1000)
        lost = writer.path
        let index = try writer.beginIndex("drive-virtio0.img.fidx", size: 100)
        try await test.put(noise(100), in: index)
        try await index.close()
        try test.write([1], to: test.folder(of: lost) + "/index.json.tmp_blob")
      }
      let test = try TestStore(root: root)
      #expect(try await test.store.unfinished() == [lost])
      #expect(try await !test.store.removeUnfinished(kept))
      #expect(try await test.store.removeUnfinished(lost))
      #expect(try await !test.store.removeUnfinished(lost))
      #expect(try await test.store.unfinished() == [])
      #expect(try await test.store.snapshots(namespace: ["cli_a"], id: "vps_a") == [kept])
    }
  }

  /// Hears which directories and files are made durable.
  private final class Syncs: FileObserver {
    private let heard = Mutex<[String]>([])

    var paths: [String] { heard.withLock { $0 } }

    func before(_ effect: FileEffect) throws(DiskError) {
      if case .sync(let path, _) = effect { heard.withLock { $0.append(path) } }
    }

    func turn() async {}
  }

  @Test func `Whoever is told that a snapshot is gone may forget it`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let path = try await test.backUp(noise(100), at: 1000).path
      let group = test.folder(of: path).split(separator: "/", omittingEmptySubsequences: false)
        .dropLast().joined(separator: "/")
      // As by somebody who died before that was durable.
      try FileManager.default.removeItem(atPath: test.folder(of: path))
      let syncs = Syncs()
      await FileSimulation.$observer.withValue(syncs) {
        await #expect(throws: DatastoreError.snapshotNotFound(path.relative)) {
          try await test.store.remove(path)
        }
        #expect(syncs.paths == [group])
        #expect((try? await test.store.removeUnfinished(path)) == false)
        #expect(syncs.paths == [group, group])
      }
    }
  }

  private final class Gate: Sendable {
    private let isOpen = Mutex(false)
    var isPassable: Bool { isOpen.withLock { $0 } }
    func open() { isOpen.withLock { $0 = true } }
  }

  @Test func `A snapshot with threads of its own waits for these alone`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let threads = BlockingExecutor(label: "test.own", width: 1)
      let other = try await test.backUp(noise(100), at: 1000)
      let writer = try await test.store
        .begin(namespace: [], id: "v", notBefore: 1000, threads: threads)
      let index = try writer.beginIndex("drive-virtio0.img.fidx", size: 100)
      let (taken, free) = (Gate(), Gate())
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          await threads.run {
            taken.open()
            while !free.isPassable { usleep(1000) }
          }
        }
        while !taken.isPassable { await Task.yield() }
        group.addTask {
          try await test.put(noise(100), in: index)
          #expect(free.isPassable, "on the store's threads")
        }
        // Others go on meanwhile, and have time to.
        for _ in 0..<20 { _ = try await test.store.open(other.path) }
        free.open()
        try await group.waitForAll()
      }
      try await index.close()
      _ = try await writer.finish()
    }
  }

  @Test func `Abandoning removes what was written`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.store.begin(namespace: ["c"], id: "v", notBefore: 1000)
      try await writer.addBlob("a.blob", [1])
      let index = try writer.beginIndex("drive-virtio0.img.fidx", size: 100)
      try await test.put(noise(100), in: index)
      try await index.close()
      await writer.abandon()
      await writer.abandon()
      #expect(try test.filesOutsideChunks() == [".lock", "ns/c/vm/v/owner"])
      #expect(!test.exists(test.folder(of: writer.path)))
      await #expect(throws: DatastoreError.invalidName("b.blob")) {
        try await writer.addBlob("b.blob", [1])
      }
    }
  }

  @Test func `Times in a group only go up, a second at least each`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      var times: [Int64] = []
      for now: Int64 in [1000, 1000, 500, 2000, 2000] {
        times.append(try await test.backUp([1], at: now).path.time)
      }
      #expect(times == [1000, 1001, 1002, 2000, 2001])
      // Another group has times of its own.
      #expect(try await test.backUp([1], id: "other", at: 1000).path.time == 1000)
      #expect(
        try await test.store.snapshots(namespace: ["cli_a"], id: "vps_a").map(\.time) == times
      )
    }
  }

  @Test func `Many who begin at once get a time each`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let times = try await withThrowingTaskGroup(of: Int64.self) { group in
        for _ in 0..<16 {
          group.addTask {
            try await test.store.begin(namespace: [], id: "v", notBefore: 1000).path.time
          }
        }
        return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
      }
      #expect(times.count == 16)
      #expect(times.contains(1000))
    }
  }

  @Test func `A time that the format can't name is refused`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      await #expect(throws: DatastoreError.invalidName("253402300800")) {
        try await test.store.begin(namespace: [], id: "v", notBefore: 253_402_300_800)
      }
      #expect(try await test.store.begin(namespace: [], id: "v", notBefore: -5).path.time == 1)
    }
  }

  @Test func `Removal takes the snapshot and leaves the group with its owner`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let one = try await test.backUp(noise(100), at: 1000, blobs: ["a.blob": [1]])
      let two = try await test.backUp(noise(100), at: 2000)
      try await test.store.remove(one.path)
      #expect(try await test.store.snapshots(namespace: ["cli_a"], id: "vps_a") == [two.path])
      await #expect(throws: DatastoreError.snapshotNotFound(one.path.relative)) {
        try await test.store.remove(one.path)
      }
      try await test.store.remove(two.path)
      #expect(try test.filesOutsideChunks() == [".lock", "ns/cli_a/vm/vps_a/owner"])
    }
  }

  @Test func `A protected snapshot isn't removed`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp(noise(100))
      try test.write([], to: test.folder(of: writer.path) + "/.protected")
      await #expect(throws: DatastoreError.busy) { try await test.store.remove(writer.path) }
      #expect(try await test.restore(writer.path).count == 100)
    }
  }

  @Test func `A group's owner stays who it is`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let owner = "\(root)/ns/cli_a/vm/vps_a/owner"
      try test.write(Array("root@pam\n".utf8), to: owner)
      try await test.backUp([1])
      #expect(try test.read(owner) == Array("root@pam\n".utf8))
    }
  }

  @Test func `An index with a chunk missing can't be closed, nor an open one finished`()
    async throws
  {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.store.begin(namespace: [], id: "v", notBefore: 1)
      let index = try writer.beginIndex("drive-a.img.fidx", size: 3 << 16, chunkSize: 1 << 16)
      try await index.putZeros(chunks: [0])
      try await index.putZeros(chunks: [2])
      await #expect(throws: DatastoreError.indexCorrupt("drive-a.img.fidx")) {
        try await index.close()
      }
      await #expect(throws: DatastoreError.indexCorrupt("drive-a.img.fidx")) {
        try await writer.finish()
      }
      await writer.abandon()
      #expect(try await test.store.unfinished() == [])
    }
  }

  @Test(arguments: [0, -1])
  func `A disk of no size has no index`(size: Int64) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.store.begin(namespace: [], id: "v", notBefore: 1)
      #expect(throws: DatastoreError.indexCorrupt("drive-a.img.fidx")) {
        try writer.beginIndex("drive-a.img.fidx", size: size)
      }
      #expect(throws: DatastoreError.indexCorrupt("drive-a.img.fidx")) {
        try writer.beginIndex("drive-a.img.fidx", size: 1, chunkSize: 3 << 16)
      }
      await writer.abandon()
    }
  }

  @Test(arguments: FixedIndex.chunkSizes, [-1, 0, 1])
  func `Every chunk size and every tail comes back`(chunkSize: Int, difference: Int) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      // The tail may be one byte, and noise may be a zero.
      let last = noise(chunkSize + difference - 1) + [1]
      let disk = text(chunkSize) + zeros(chunkSize) + last
      let writer = try await test.backUp(disk, chunkSize: chunkSize)
      #expect(try await test.restore(writer.path) == disk)
      let index = try #require(
        try await test.store.open(writer.path).indexes["drive-virtio0.img.fidx"]
      )
      #expect(index.chunkCount == (difference > 0 ? 4 : 3))
      #expect((0..<index.chunkCount).filter(index.isZero) == [1])
    }
  }

  @Test func `What stands in the unprotected part comes back whole`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let rehome: JSONValue = [
        "backupId": "bkp_1", "displayName": "a/b \"c\" ü", "count": 5, "flag": true,
        "list": [1, "two", .null], "nested": ["deeper": ["still": false]],
      ]
      let writer = try await test.backUp([1], unprotected: ["rehome": rehome])
      #expect(try await test.store.open(writer.path).manifest.unprotected == ["rehome": rehome])
    }
  }
}
