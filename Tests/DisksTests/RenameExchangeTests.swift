import Disks
import Foundation
import Testing

struct RenameExchangeTests {
  private let exchange = RenameExchange()

  /// An old disk and the stage that is to replace it.
  private func makePair(
    _ scratch: String,
    _ disk: String = "vda",
    job: String = "job_a"
  ) async throws -> ExchangePair {
    let current = "\(scratch)/\(disk).img"
    if !exists(current) { try write(Array("old \(disk)".utf8), to: current) }
    let stage = try await Stage.create(
      beside: current,
      format: .raw,
      virtualSize: 7,
      job: job,
      disk: disk
    )
    let staged = try await RawDisk.open(stage.path, access: .write)
    try await staged.put(Array("new \(disk)".utf8), at: 0)
    try await staged.close()
    return ExchangePair(job: job, disk: disk, current: current, staged: stage.path)
  }

  private func withLock(
    _ pair: ExchangePair,
    _ body: (ImageLock) async throws(DiskError) -> Void
  ) async throws(DiskError) {
    try await ImageLock.withExclusive([pair.current, pair.staged], body)
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try contents(path), as: UTF8.self)
  }

  @Test func `Exchange and reverse move whole disks, and may be repeated`() async throws {
    try await withScratch { scratch in
      let pair = try await makePair(scratch)
      let inodes = (try inode(pair.current), try inode(pair.staged))
      #expect(try await exchange.state(of: pair) == .unknown)
      try await withLock(pair) { lock throws(DiskError) in
        try await exchange.prepare([pair], holding: lock)
        #expect(try await exchange.state(of: pair) == .notDone)
        try await exchange.prepare([pair], holding: lock)
        // Undoing what wasn't done does nothing.
        try await exchange.reverse(pair, holding: lock)
        for _ in 0..<3 {
          try await exchange.exchange(pair, holding: lock)
          #expect(try await exchange.state(of: pair) == .done)
          try await exchange.sync(pair)
        }
        try await exchange.prepare([pair], holding: lock)
        #expect(try await exchange.state(of: pair) == .done)
      }
      #expect(try text(pair.current) == "new vda" && text(pair.staged) == "old vda")
      #expect(try inode(pair.current) == inodes.1 && inode(pair.staged) == inodes.0)
      try await withLock(pair) { lock throws(DiskError) in
        for _ in 0..<3 {
          try await exchange.reverse(pair, holding: lock)
          try await exchange.sync(pair)
        }
      }
      #expect(try await exchange.state(of: pair) == .notDone)
      #expect(try text(pair.current) == "old vda" && text(pair.staged) == "new vda")
    }
  }

  /// Where a job may die between preparing two disks and the last sync.
  enum Crash: String, CaseIterable, CustomTestStringConvertible {
    case beforeStamps, betweenStamps, afterPrepare, afterFirst, afterFirstSync, afterSecond, atEnd

    var testDescription: String { rawValue }
  }

  @Test(arguments: Crash.allCases)
  func `From every crash point the same steps lead to the same end`(crash: Crash) async throws {
    try await withScratch { scratch in
      let pairs = [try await makePair(scratch, "vda"), try await makePair(scratch, "vdb")]
      let paths = pairs.flatMap { [$0.current, $0.staged] }
      try await ImageLock.withExclusive(paths) { lock throws(DiskError) in
        let steps: [(Crash, () async throws(DiskError) -> Void)] = [
          (
            .beforeStamps,
            { () throws(DiskError) in try await pairs[0].old.write(pairs[0].current) }
          ),
          (
            .betweenStamps,
            { () throws(DiskError) in try await exchange.prepare(pairs, holding: lock) }
          ),
          (
            .afterPrepare,
            { () throws(DiskError) in try await exchange.exchange(pairs[0], holding: lock) }
          ),
          (.afterFirst, { () throws(DiskError) in try await exchange.sync(pairs[0]) }),
          (
            .afterFirstSync,
            { () throws(DiskError) in try await exchange.exchange(pairs[1], holding: lock) }
          ),
          (.afterSecond, { () throws(DiskError) in try await exchange.sync(pairs[1]) }),
        ]
        for (point, step) in steps {
          guard point != crash else { break }
          try await step()
        }
      }
      // At each point the old disk or the new one is in place, whole.
      for pair in pairs {
        #expect(try ["old \(pair.disk)", "new \(pair.disk)"].contains(text(pair.current)))
      }
      // What the next process does, with nothing but the names.
      try await ImageLock.withExclusive(paths) { lock throws(DiskError) in
        let next = RenameExchange()
        try await next.prepare(pairs, holding: lock)
        for pair in pairs {
          try await next.exchange(pair, holding: lock)
          try await next.sync(pair)
        }
      }
      for pair in pairs {
        #expect(try text(pair.current) == "new \(pair.disk)")
        #expect(try text(pair.staged) == "old \(pair.disk)")
        #expect(try await exchange.state(of: pair) == .done)
      }
    }
  }

  @Test func `A foreign disk on the path is never exchanged, marked or deleted`() async throws {
    try await withScratch { scratch in
      let pair = try await makePair(scratch)
      try await withLock(pair) { lock throws(DiskError) in
        try await exchange.prepare([pair], holding: lock)
      }
      // An operator puts another disk there, with no stamp or with another job's.
      let foreign = Stamp(role: .new, job: "job_b", disk: "vda")
      for stamp in [nil, foreign] {
        try FileManager.default.removeItem(atPath: pair.current)
        try write(Array("foreign".utf8), to: pair.current)
        try await stamp?.write(pair.current)
        #expect(try await exchange.state(of: pair) == .unknown)
        try await withLock(pair) { lock throws(DiskError) in
          for step in [exchange.exchange, exchange.reverse] {
            await #expect(throws: DiskError.stampMismatch(path: pair.current)) {
              try await step(pair, lock)
            }
          }
        }
        await #expect(throws: DiskError.stampMismatch(path: pair.current)) {
          try await Stage.discard(pair.current, expecting: pair.new)
        }
        #expect(try text(pair.current) == "foreign" && text(pair.staged) == "new vda")
        #expect(try await Stamp.read(pair.current) == stamp)
      }
      try FileManager.default.removeItem(atPath: pair.current)
      #expect(try await exchange.state(of: pair) == .unknown)
    }
  }

  @Test func `A foreign file in the stage's place is never exchanged or marked`() async throws {
    try await withScratch { scratch in
      let pair = try await makePair(scratch)
      let foreign = Stamp(role: .new, job: "job_b", disk: "vda")
      try await foreign.write(pair.staged)
      try await withLock(pair) { lock throws(DiskError) in
        await #expect(throws: DiskError.stampMismatch(path: pair.staged)) {
          try await exchange.prepare([pair], holding: lock)
        }
        try await pair.old.write(pair.current)
        await #expect(throws: DiskError.stampMismatch(path: pair.staged)) {
          try await exchange.exchange(pair, holding: lock)
        }
      }
      #expect(try await Stamp.read(pair.staged) == foreign)
      #expect(try text(pair.current) == "old vda")
    }
  }

  @Test func `A file that changed behind the lock's back is not exchanged`() async throws {
    try await withScratch { scratch in
      let pair = try await makePair(scratch)
      try await withLock(pair) { lock throws(DiskError) in
        try await exchange.prepare([pair], holding: lock)
        do {
          // The same contents and stamp, another file: the lock is on the one that is gone.
          try FileManager.default.removeItem(atPath: pair.current)
          try write(Array("old vda".utf8), to: pair.current)
          try await pair.old.write(pair.current)
        } catch {
          Issue.record(error)
        }
        for step in [exchange.exchange, { try await exchange.prepare([$0], holding: $1) }]
          as [(ExchangePair, ImageLock) async throws -> Void]
        {
          await #expect(throws: DiskError.stampMismatch(path: pair.current)) {
            try await step(pair, lock)
          }
        }
      }
    }
  }

  @Test func `The next job takes over the disk that an earlier one put in place`() async throws {
    try await withScratch { scratch in
      let first = try await makePair(scratch, job: "job_a")
      try await withLock(first) { lock throws(DiskError) in
        try await exchange.prepare([first], holding: lock)
        try await exchange.exchange(first, holding: lock)
      }
      let second = try await makePair(scratch, job: "job_b")
      try await withLock(second) { lock throws(DiskError) in
        try await exchange.prepare([second], holding: lock)
        #expect(try await exchange.state(of: second) == .notDone)
        // To the first job the disk in place says nothing any more: it can't undo a second time.
        #expect(try await exchange.state(of: first) == .unknown)
        try await exchange.exchange(second, holding: lock)
      }
      #expect(try await exchange.state(of: second) == .done)
      #expect(try await Stage.discard(first.staged, expecting: first.old))
    }
  }
}
