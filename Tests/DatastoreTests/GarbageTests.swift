import Checksum
import Disks
import Foundation
import Model
import TestSupport
import Testing

@testable import Datastore

/// A store whose time a test moves; far ahead, so that no time of the machine gets in between.
struct AgingStore: Sendable {
  static let start = Timestamp(seconds: 2_000_000_000)

  let clock: ManualClock
  let test: TestStore

  init(root: String) throws {
    clock = ManualClock(Self.start)
    test = try TestStore(root: root, clock: clock)
  }

  var store: LocalDatastore { test.store }

  func day() { clock.advance(by: .seconds(86_400 + 600)) }

  func collect(isDryRun: Bool = false) async throws -> GarbageReport {
    try await store.collectGarbage(isDryRun: isDryRun)
  }

  func hasChunk(_ plain: [UInt8]) -> Bool { test.exists(test.file(of: digest(plain))) }

  /// Stores a chunk that no index names.
  func lose(_ plain: [UInt8]) async throws {
    let writer = try await store.begin(namespace: [], id: "lost", notBefore: 1)
    let index = try writer.beginIndex("drive-a.img.fidx", size: Int64(plain.count))
    try await index.put(chunk: 0, buffer(holding: plain), count: plain.count)
    await writer.abandon()
  }
}

struct GarbageTests {
  /// What a chunk was last used at, beside a collection that began at 1 000 000.
  private static let ages: [(access: Int, oldestWriter: Int64?, expected: GarbageRules.Verdict)] = [
    (1_000_000 - 86_400 - 301, nil, .remove), (1_000_000 - 86_400 - 300, nil, .pending),
    (999_999, nil, .pending), (1_000_000, nil, .keep),
    // A writer that began two days before keeps everything since.
    (827_200 - 301, 827_200, .remove), (827_200 - 300, 827_200, .pending),
    // A young writer changes nothing.
    (1_000_000 - 86_400 - 301, 999_999, .remove),
  ]

  @Test(arguments: ages)
  func `a chunk goes when it was used neither for a day nor since the oldest writer began`(
    access: Int,
    oldestWriter: Int64?,
    expected: GarbageRules.Verdict
  ) {
    let rules = GarbageRules(
      markStart: Timestamp(seconds: 1_000_000),
      oldestWriter: oldestWriter.map { Timestamp(seconds: $0) }
    )
    #expect(rules.verdict(on: .chunk, status(access: access)) == expected)
  }

  @Test func `what is no plain file or no chunk of ours is never judged`() {
    let rules = GarbageRules(markStart: Timestamp(seconds: 1_000_000), oldestWriter: nil)
    #expect(rules.verdict(on: .foreign, status(access: 1)) == .keep)
    var folder = status(access: 1)
    folder.isRegularFile = false
    for kind in [GarbageRules.Kind.chunk, .bad, .leftover] {
      #expect(rules.verdict(on: kind, folder) == .keep)
    }
    // A file that is being written is old by its access time alone.
    #expect(rules.verdict(on: .leftover, status(access: 1, modification: 999_000)) == .keep)
    #expect(rules.verdict(on: .leftover, status(access: 1, modification: 1)) == .remove)
  }

  @Test(arguments: [
    ("", GarbageRules.Kind.chunk), (".0.bad", .bad), (".9.bad", .bad), (".tmp_1f", .leftover),
    (".10.bad", .foreign), (".bad", .foreign), (".x.bad", .foreign), ("0", .foreign),
  ])
  func `files of chunk folders are told by their names`(end: String, kind: GarbageRules.Kind) {
    let name = String(repeating: "0a", count: 32)
    #expect(GarbageRules.Kind(name + end) == kind)
    #expect(GarbageRules.Kind(name.uppercased() + end) == .foreign)
    #expect(GarbageRules.Kind(String(name.dropLast(2)) + end) == .foreign)
  }

  @Test func `what no index names goes after a day, and what one names stays for ever`()
    async throws
  {
    try await withScratch { root in
      let aging = try AgingStore(root: root)
      let (used, unused) = (noise(1 << 16), noise(1 << 16))
      let kept = try await aging.test.backUp(used)
      try await aging.lose(unused)
      aging.clock.advance(by: .seconds(3600))
      let early = try await aging.collect()
      #expect(early.isComplete && early.pendingCount == 1 && early.removedCount == 0)
      #expect(aging.hasChunk(unused))
      aging.day()
      let told = try await aging.collect(isDryRun: true)
      #expect(told.removedCount == 1 && told.isDryRun && aging.hasChunk(unused))
      let done = try await aging.collect()
      #expect(done.removedCount == told.removedCount && done.removedBytes == told.removedBytes)
      #expect(done.removedBytes == 12 + (1 << 16) && done.usedCount == 1 && done.indexCount == 1)
      #expect(!aging.hasChunk(unused))
      for _ in 0..<3 {
        aging.day()
        #expect(try await aging.collect().removedCount == 0)
      }
      #expect(try await aging.test.restore(kept.path) == used)
      try await aging.store.remove(kept.path)
      aging.day()
      #expect(try await aging.collect().removedCount == 1)
      #expect(!aging.hasChunk(used))
    }
  }

  @Test func `a backup that began days ago keeps what it stored and what it found`() async throws {
    try await withScratch { root in
      let aging = try AgingStore(root: root)
      let (found, stored) = (noise(1 << 16), noise(1 << 16))
      try await aging.lose(found)
      aging.clock.advance(by: .seconds(7200))
      let writer = try await aging.store.begin(namespace: [], id: "long", notBefore: 1)
      let disk = found + stored
      let index = try writer.beginIndex(
        "drive-virtio0.img.fidx",
        size: Int64(disk.count),
        chunkSize: 1 << 16
      )
      #expect(try await aging.test.put(disk, in: index).first == .reused)
      for _ in 0..<3 { aging.day() }
      #expect(try await aging.collect().removedCount == 0)
      try await index.close()
      _ = try await writer.finish()
      #expect(try await aging.test.restore(writer.path) == disk)
      // A writer that has left keeps nothing back.
      try await aging.store.remove(writer.path)
      aging.day()
      #expect(try await aging.collect().removedCount == 2)
    }
  }

  @Test func `a clock that is set back takes nothing from a backup that is at work`() async throws {
    try await withScratch { root in
      let aging = try AgingStore(root: root)
      let writer = try await aging.store.begin(namespace: [], id: "jump", notBefore: 1)
      let disk = noise(1 << 16)
      let index = try writer.beginIndex("drive-virtio0.img.fidx", size: Int64(disk.count))
      aging.clock.advance(by: .seconds(-10 * 86_400))
      try await aging.test.put(disk, in: index)
      aging.clock.advance(by: .seconds(11 * 86_400))
      #expect(try await aging.collect().removedCount == 0)
      try await index.close()
      _ = try await writer.finish()
      #expect(try await aging.test.restore(writer.path) == disk)
    }
  }

  @Test func `every index counts: of unfinished snapshots, elsewhere, of others, damaged`()
    async throws
  {
    try await withScratch { root in
      let aging = try AgingStore(root: root)
      let disk = noise(3 << 16)
      let writer = try await aging.test.backUp(disk)
      let name = "drive-virtio0.img.fidx"
      let bytes = try aging.test.read("\(aging.test.folder(of: writer.path))/\(name)")
      let places = [
        ("\(root)/ns/x/vm/y/odd/\(name)", bytes), ("\(root)/elsewhere/\(name)", bytes),
        // Its head is gone, and a part of the last digest.
        ("\(root)/damaged.fidx", zeros(4096) + bytes[4096..<4096 + 95]),
        ("\(root)/other.didx", dynamic(bytes)),
      ]
      for (path, bytes) in places {
        try aging.test.write(bytes, to: path)
        try await aging.store.remove(writer.path, ifThere: true)
        aging.day()
        let report = try await aging.collect()
        #expect(report.indexCount == 1, "\(path)")
        #expect(report.removedCount == (path.hasSuffix("damaged.fidx") ? 1 : 0), "\(path)")
        try FileManager.default.removeItem(atPath: path)
        if path.hasSuffix("damaged.fidx") { try await aging.lose(Array(disk[(2 << 16)...])) }
      }
      aging.day()
      #expect(try await aging.collect().removedCount == 3)
    }
  }

  @Test func `a link in the store ends the collection, and nothing goes`() async throws {
    try await withScratch { root in
      let aging = try AgingStore(root: root)
      try await aging.lose(noise(100))
      aging.day()
      let link = "\(root)/ns/away"
      try FileManager.default.createDirectory(
        atPath: "\(root)/ns",
        withIntermediateDirectories: true
      )
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/tmp")
      await #expect(throws: DatastoreError.unmarkable(path: link)) { try await aging.collect() }
      try FileManager.default.removeItem(atPath: link)
      #expect(try await aging.collect().removedCount == 1)
    }
  }

  @Test func `bad files stay as long as their chunk is missed, and leftovers go`() async throws {
    try await withScratch { root in
      let aging = try AgingStore(root: root)
      let disk = noise(1 << 16)
      let writer = try await aging.test.backUp(disk)
      let chunk = aging.test.file(of: digest(disk))
      try FileManager.default.moveItem(atPath: chunk, toPath: chunk + ".0.bad")
      try aging.test.write([1], to: chunk + ".tmp_1")
      aging.day()
      let report = try await aging.collect()
      #expect(report.missingCount == 1 && report.badCount == 1 && report.removedBadCount == 0)
      #expect(report.leftoverCount == 1 && !aging.test.exists(chunk + ".tmp_1"))
      // A backup that holds the chunk heals it; then the bad file is of no use.
      try await aging.test.backUp(disk, at: 5000)
      #expect(try await aging.test.restore(writer.path) == disk)
      aging.day()
      let healed = try await aging.collect()
      #expect(healed.missingCount == 0 && healed.removedBadCount == 1)
      #expect(!aging.test.exists(chunk + ".0.bad"))
    }
  }

  @Test func `a sweep that was interrupted goes on in this boot, and starts over in another`()
    async throws
  {
    let now = Timestamp(seconds: 1_000_000)
    var report = GarbageReport(isDryRun: false)
    report.removedCount = 7
    let record = GarbageRecord(
      bootID: "this",
      rules: GarbageRules(markStart: now, oldestWriter: nil),
      report: report,
      nextFolder: 4096
    )
    let later = now.advanced(by: .seconds(86_399))
    #expect(record.mayGoOn(at: later, bootID: "this"))
    #expect(!record.mayGoOn(at: later, bootID: "other"))
    #expect(!record.mayGoOn(at: later, bootID: nil))
    #expect(!record.mayGoOn(at: now.advanced(by: .seconds(86_400)), bootID: "this"))
    #expect(!record.mayGoOn(at: now.advanced(by: .seconds(-1)), bootID: "this"))
    try await withScratch { root in
      let aging = try AgingStore(root: root)
      let layout = StoreLayout(root: root)
      try record.save(layout, FileCalls())
      #expect(try GarbageRecord.load(layout, FileCalls()) == record)
      // The half that is left: chunks of folders before the record's are not looked at again.
      let bootID = try #require(StillMark.currentBootID())
      let early = "\(root)/.chunks/0000/\(String(repeating: "0", count: 64))"
      let late = "\(root)/.chunks/ffff/\(String(repeating: "f", count: 64))"
      for path in [early, late] {
        try aging.test.write([1], to: path)
        _ = try FileCalls().setAccessTime(path, seconds: 1000)
      }
      let left = GarbageRecord(
        bootID: bootID,
        rules: GarbageRules(markStart: aging.clock.now(), oldestWriter: nil),
        report: report,
        nextFolder: 4096
      )
      try left.save(layout, FileCalls())
      let done = try await aging.collect()
      #expect(done.isComplete && done.removedCount == 8)
      #expect(aging.test.exists(early) && !aging.test.exists(late))
      #expect(!aging.test.exists(layout.garbageRecord))
      #expect(try await aging.collect().removedCount == 1)
    }
  }

  @Test func `a collection that is told to end leaves a record, and the next one goes on`()
    async throws
  {
    try await withScratch { root in
      let aging = try AgingStore(root: root)
      let path = "\(root)/.chunks/ffff/\(String(repeating: "f", count: 64))"
      try aging.test.write([1], to: path)
      _ = try FileCalls().setAccessTime(path, seconds: 1000)
      let store = aging.store
      let (seen, sender) = AsyncStream.makeStream(of: Void.self)
      let first = try await withThrowingTaskGroup(of: GarbageReport.self) { group in
        group.addTask {
          try await store.collectGarbage { progress in
            guard progress.phase == .sweep, progress.done == 192 else { return }
            sender.yield()
            while !Task.isCancelled { await Task.yield() }
          }
        }
        for await _ in seen { break }
        group.cancelAll()
        return try await group.next()
      }
      #expect(first?.isComplete == false)
      let record = try GarbageRecord.load(StoreLayout(root: root), FileCalls())
      #expect(record?.nextFolder == 192)
      #expect(try await aging.collect().removedCount == 1)
    }
  }

  private func status(access: Int, modification: Int = 0) -> FileStatus {
    FileStatus(
      isDirectory: false,
      isRegularFile: true,
      byteCount: 1,
      accessSeconds: access,
      modificationSeconds: modification
    )
  }

  /// A `.didx` that names the chunks of a `.fidx`.
  private func dynamic(_ fixed: [UInt8]) -> [UInt8] {
    var bytes = zeros(4096)
    for start in stride(from: 4096, to: fixed.count, by: 32) {
      bytes += zeros(8) + fixed[start..<start + 32]
    }
    return bytes
  }
}

extension LocalDatastore {
  /// Removes a snapshot unless it has gone already.
  fileprivate func remove(_ path: SnapshotPath, ifThere: Bool) async throws {
    do {
      try await remove(path)
    } catch DatastoreError.snapshotNotFound where ifThere {
      return
    }
  }
}
