import Datastore
import Model
import TestSupport
import Testing

/// A random life of a store: backups begin, go on for days, end or are given up, others are
/// removed, the clock jumps, and garbage is collected at any moment.
struct GarbageWalkTests {
  @Test(arguments: 1...8)
  func `whatever is made, removed and collected, every finished backup reads whole`(
    seed: Int
  ) async throws {
    try await withScratch { root in
      var walk = try Walk(root: root, seed: UInt64(seed))
      for _ in 0..<120 { try await walk.step() }
      try await walk.end()
    }
  }

  @Test(arguments: 1...3)
  func `collections beside busy backups take nothing that these use`(seed: Int) async throws {
    try await withScratch { root in
      let aging = try AgingStore(root: root)
      let contents = (0..<16).map { _ in noise(1 << 16) }
      for plain in contents { try await aging.lose(plain) }
      aging.day()
      // All of it may go at this moment, while all of it is stored and found again.
      let disks = try await withThrowingTaskGroup(of: (SnapshotPath?, [UInt8]).self) { group in
        group.addTask {
          for _ in 0..<3 { _ = try await aging.collect() }
          return (nil, [])
        }
        for number in 0..<6 {
          group.addTask {
            let disk = contents.shuffled().flatMap(\.self)
            let writer = try await aging.test.backUp(disk, id: "vps_\(number)")
            return (writer.path, disk)
          }
        }
        return try await group.reduce(into: [(SnapshotPath, [UInt8])]()) { all, made in
          if let path = made.0 { all.append((path, made.1)) }
        }
      }
      #expect(disks.count == 6)
      for (path, disk) in disks { #expect(try await aging.test.restore(path) == disk) }
    }
  }
}

/// One life.
private struct Walk {
  private struct Running {
    let writer: SnapshotWriter
    let index: IndexBuilder
    let disk: [UInt8]
    var next = 0
  }

  private static let chunkSize = 1 << 16

  private let aging: AgingStore
  private let contents = (0..<12).map { _ in noise(Walk.chunkSize) }
  private var random: SeededGenerator
  private var running: [Running] = []
  private var finished: [(path: SnapshotPath, disk: [UInt8])] = []
  private var collections = 0

  init(root: String, seed: UInt64) throws {
    aging = try AgingStore(root: root)
    random = SeededGenerator(seed: seed)
  }

  mutating func step() async throws {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<15 where running.count < 4: try await begin()
    case 15..<60 where !running.isEmpty: try await goOn()
    case 60..<65 where !running.isEmpty:
      await running.remove(at: Int.random(in: 0..<running.count, using: &random)).writer.abandon()
    case 65..<72 where !finished.isEmpty:
      let gone = finished.remove(at: Int.random(in: 0..<finished.count, using: &random))
      try await aging.store.remove(gone.path)
    case 72..<90:
      let hours = Int.random(in: -30...80, using: &random)
      aging.clock.advance(by: .seconds(hours * 3600))
    case 90..<96: try await collect()
    default: _ = try await aging.collect(isDryRun: true)
    }
  }

  /// Ends everything, and lets the store become empty.
  mutating func end() async throws {
    while !running.isEmpty { try await goOn() }
    try await collect()
    #expect(collections > 2)
    for made in finished { try await aging.store.remove(made.path) }
    finished = []
    // The clock may have been set back a long way before.
    aging.clock.advance(by: .seconds(400 * 86_400))
    let last = try await aging.collect()
    #expect(last.usedCount + last.pendingCount == 0)
  }

  private mutating func begin() async throws {
    let count = Int.random(in: 1...6, using: &random)
    var disk: [UInt8] = []
    for _ in 0..<count {
      disk += contents[Int.random(in: 0..<contents.count, using: &random)]
    }
    let writer = try await aging.store.begin(
      namespace: ["c"],
      id: "v\(Int.random(in: 0..<3, using: &random))",
      notBefore: aging.clock.now().seconds
    )
    let index = try writer.beginIndex(
      "drive-virtio0.img.fidx",
      size: Int64(disk.count),
      chunkSize: Self.chunkSize
    )
    running.append(Running(writer: writer, index: index, disk: disk))
  }

  private mutating func goOn() async throws {
    let place = Int.random(in: 0..<running.count, using: &random)
    let at = running[place]
    guard at.next == at.index.chunkCount else {
      let start = at.next * Self.chunkSize
      let plain = Array(at.disk[start..<start + Self.chunkSize])
      try await at.index.put(chunk: at.next, buffer(holding: plain), count: plain.count)
      running[place].next += 1
      return
    }
    #expect(try await at.index.lostChunks() == [])
    try await at.index.close()
    if Bool.random(using: &random) { try await collect() }
    _ = try await at.writer.finish()
    finished.append((at.writer.path, at.disk))
    running.remove(at: place)
  }

  private mutating func collect() async throws {
    collections += 1
    #expect(try await aging.collect().isComplete)
    for made in finished {
      let disk = try await aging.test.restore(made.path)
      #expect(disk == made.disk, "\(made.path)")
    }
  }
}
