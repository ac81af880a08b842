import Checksum
import Datastore
import Disks
import Foundation
import Model
import TestSupport
import Testing

@testable import Restore

/// Filling disks from backups, without any machine: whatever the disk held before, afterwards it
/// holds what the backup says, and the target's own disk is as it was.
@Suite(.scratchDirectory)
struct DeltaTests {
  /// A disk, what it is to become, and what is known of it.
  private struct Scene {
    let chunkSize: Int
    let held: [UInt8]
    let wanted: [UInt8]
    /// What the disk held when its own backup was made; the rest of `held` was written since.
    let remembered: [UInt8]
    let dirty: [Range<Int64>]

    /// Random, of a seed: sparse and dense, odd ends, a backup shorter than the disk.
    ///
    /// An image's size is in sectors; a file's isn't.
    init(seed: UInt64, inSectors: Bool = false) {
      var random = Seeded(seed)
      chunkSize = [1 << 16, 1 << 17, 1 << 18].randomElement(using: &random) ?? 1 << 16
      let count = Int.random(in: 1...12, using: &random)
      let tails = inSectors ? [0, 512, 4096, 10_240] : [0, 1, 511, 512, 4095, 4096, 10_000]
      let tail = tails.randomElement(using: &random) ?? 0
      let size = count * chunkSize + tail
      let zeroShares: [Double] = [0, 0.4, 0.9]
      let zeroShare = zeroShares.randomElement(using: &random) ?? 0
      var remembered = Self.disk(size, chunkSize, zeroShare, &random)
      var dirty: [Range<Int64>] = []
      let original = remembered
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let start = Int.random(in: 0..<size, using: &random)
        let end = min(size, start + Int.random(in: 1...5000, using: &random))
        for place in start..<end { remembered[place] = UInt8.random(in: 0...255, using: &random) }
        dirty.append(Int64(start)..<Int64(end))
      }
      held = remembered
      self.remembered = original
      self.dirty = dirty
      // The backup is of another machine that shares much with this one.
      let wantedSize = Bool.random(using: &random) ? size : max(1, size - chunkSize - 700)
      var wanted = Array(held[0..<wantedSize])
      for start in stride(from: 0, to: wantedSize, by: chunkSize) {
        let end = min(wantedSize, start + chunkSize)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: for place in start..<end { wanted[place] = 0 }
        case 1: wanted[Int.random(in: start..<end, using: &random)] &+= 1
        case 2: wanted.replaceSubrange(start..<end, with: Self.chunk(end - start, &random))
        default: break
        }
      }
      self.wanted = wanted
    }

    private static func chunk(_ count: Int, _ random: inout Seeded) -> [UInt8] {
      let piece = (0..<251).map { _ in UInt8.random(in: 0...255, using: &random) }
      var bytes: [UInt8] = []
      while bytes.count < count { bytes += piece }
      return Array(bytes[0..<count])
    }

    private static func disk(
      _ size: Int,
      _ chunkSize: Int,
      _ zeroShare: Double,
      _ random: inout Seeded
    ) -> [UInt8] {
      var disk: [UInt8] = []
      while disk.count < size {
        let count = min(chunkSize, size - disk.count)
        disk +=
          Double.random(in: 0..<1, using: &random) < zeroShare
          ? [UInt8](repeating: 0, count: count) : chunk(count, &random)
      }
      return disk
    }

    /// What the disk holds in the end: the backup, and zeros behind it.
    var expected: [UInt8] { wanted + [UInt8](repeating: 0, count: held.count - wanted.count) }

    /// Chunks of the backup that the disk doesn't hold, zeros left out.
    var differing: Int {
      stride(from: 0, to: wanted.count, by: chunkSize).count { start in
        let range = start..<min(wanted.count, start + chunkSize)
        return wanted[range] != held[range] && wanted[range].contains { $0 != 0 }
      }
    }
  }

  /// How a stage comes to be.
  enum Way: String, CaseIterable, CustomTestStringConvertible {
    case full, delta, deltaWithMap, fullOnXFS, qcow2, qcow2WithMap
    var testDescription: String { rawValue }
    var isClone: Bool { self != .full && self != .fullOnXFS }
    var hasMap: Bool { self == .deltaWithMap || self == .qcow2WithMap }
    var format: DiskFormat { self == .qcow2 || self == .qcow2WithMap ? .qcow2 : .raw }
  }

  @Test(arguments: Way.allCases)
  func `under random changes every way makes the same disk`(_ way: Way) async throws {
    try await onReflink(way != .full) { folder in
      for seed in UInt64(1)...30 {
        let scene = Scene(seed: seed, inSectors: way.format == .qcow2)
        try await check(scene, way, in: folder, "seed \(seed)")
      }
    }
  }

  private func check(
    _ scene: Scene,
    _ way: Way,
    in folder: String,
    _ comment: Comment
  ) async throws {
    let bench = try DiskBench("\(folder)/bench-\(UUID().uuidString.prefix(8))")
    let current = "\(bench.folder)/disk"
    try await bench.make(current, holding: scene.held, way.format)
    let index = try await bench.backUp(scene.wanted, chunkSize: scene.chunkSize)
    let stage = try await Stage.create(
      beside: current,
      format: way.format,
      virtualSize: Int64(scene.held.count),
      job: "job",
      disk: "vda",
      isCloneWanted: way.isClone
    )
    #expect(stage.isClone == way.isClone, comment)
    if way.format == .qcow2 {
      let size = Int64(scene.held.count)
      #expect(
        try await stage.repair(like: current, virtualSize: size, within: .seconds(60)) == true,
        comment
      )
    }
    let device = try await stage.open(format: way.format, directory: bench.folder)
    let plan: StagePlan
    if stage.isClone {
      let map =
        way.hasMap
        ? TargetMap(
          index: try await bench.backUp(scene.remembered, chunkSize: scene.chunkSize),
          dirty: scene.dirty
        ) : nil
      let extents = try await device.extents(inChunksOf: index.chunkSize)
      plan = .delta(index, over: extents, map: map)
    } else {
      plan = .empty(index)
    }
    let moved = try await bench.perform(plan, on: device, index)
    try await device.close()
    #expect(try await bench.contents(stage.path, way.format) == scene.expected, comment)
    #expect(try await bench.contents(current, way.format) == scene.held, comment)
    if way.isClone {
      let replaced = Int(moved.bytesRead) / scene.chunkSize
      #expect((replaced...replaced + 1).contains(scene.differing), comment)
    }
    // Runs of zeros in a chunk aren't written.
    #expect(moved.bytesWritten <= moved.bytesRead, comment)
    try FileManager.default.removeItem(atPath: bench.folder)
  }

  @Test func `with a true map nothing is read but what may have changed`() async throws {
    try await onReflink(true) { folder in
      let bench = try DiskBench("\(folder)/bench")
      let chunk = 1 << 16
      let held = (0..<64).flatMap { [UInt8](repeating: UInt8($0 + 1), count: chunk) }
      var wanted = held
      wanted[5 * chunk] = 0
      try held.writeSparse(to: "\(folder)/disk")
      let map = TargetMap(
        index: try await bench.backUp(held, chunkSize: chunk),
        dirty: [Int64(9 * chunk)..<Int64(9 * chunk + 1)]
      )
      let index = try await bench.backUp(wanted, chunkSize: chunk)
      let device = try await RawDisk.open("\(folder)/disk", access: .write)
      let extents = try await device.extents(inChunksOf: index.chunkSize)
      let plan = StagePlan.delta(index, over: extents, map: map)
      #expect(plan.steps == [.write(5), .compare(9)])
      let moved = try await bench.perform(plan, on: device, index)
      #expect(moved.bytesCompared == Int64(chunk))
      #expect(moved.bytesWritten == Int64(chunk))
      #expect(moved.bytesReused == Int64(63 * chunk))
      try await device.close()
      #expect(try Self.contents("\(folder)/disk") == wanted)
    }
  }

  @Test(arguments: [true, false])
  func `a disk that doesn't keep what it was given is found out by reading back alone`(
    readsBack: Bool
  ) async throws {
    let bench = try DiskBench()
    let chunk = 1 << 16
    let wanted = (0..<16).flatMap { [UInt8](repeating: UInt8($0 + 1), count: chunk) }
    let path = "\(bench.folder)/disk"
    try [UInt8](repeating: 0, count: wanted.count).writeSparse(to: path)
    let index = try await bench.backUp(wanted, chunkSize: chunk)
    let disk = LyingDisk(try await RawDisk.open(path, access: .write)) { $0 == Int64(7 * chunk) }
    var stopped: StepStop?
    do {
      _ = try await bench.perform(.empty(index), on: disk, index, readsBack: readsBack)
    } catch let stop as StepStop {
      stopped = stop
    }
    try await disk.close()
    guard readsBack else {
      #expect(stopped == nil)
      #expect(try Self.contents(path) != wanted)
      return
    }
    guard case .failure(let failure)? = stopped else {
      Issue.record("not found out: \(String(describing: stopped))")
      return
    }
    #expect(failure.detail.contains("read back"))
    #expect(!failure.isTransient)
  }

  @Test func `a damaged chunk stops the fill and is told as the backup's`() async throws {
    let bench = try DiskBench()
    let wanted = [UInt8](repeating: 7, count: 1 << 16)
    let index = try await bench.backUp(wanted, chunkSize: 1 << 16)
    let name = "\(index.digests[0])"
    let chunk = "\(bench.folder)/store/.chunks/\(name.prefix(4))/\(name)"
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: chunk)))
    bytes[bytes.count - 1] ^= 1
    try Data(bytes).write(to: URL(filePath: chunk))
    let path = "\(bench.folder)/disk"
    try [UInt8](repeating: 0, count: wanted.count).writeSparse(to: path)
    let device = try await RawDisk.open(path, access: .write)
    let error = await #expect(throws: StepStop.self) {
      try await bench.perform(.empty(index), on: device, index)
    }
    guard case .damage? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    try await device.close()
  }

  private static func contents(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: path)))
  }

  /// Runs `body` in a folder, on a small XFS of its own if that is wanted.
  private func onReflink(_ isWanted: Bool, _ body: (String) async throws -> Void) async throws {
    guard isWanted else { return try await body(ScratchDirectory.path) }
    try await withXFS(in: ScratchDirectory.path, body)
  }
}

/// A sequence that is the same for the same seed.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) {
    state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state &* 0x2545_F491_4F6C_DD1D
  }
}

extension [UInt8] {
  /// Writes the bytes to a new file, runs of zero pages as holes.
  func writeSparse(to path: String) throws {
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let file = FileHandle(forWritingAtPath: path)
    else { throw Unexpected(description: "can't make \(path)") }
    defer { try? file.close() }
    try file.truncate(atOffset: UInt64(count))
    for start in Swift.stride(from: 0, to: count, by: 65_536) {
      let part = self[start..<Swift.min(count, start + 65_536)]
      guard part.contains(where: { $0 != 0 }) else { continue }
      try file.seek(toOffset: UInt64(start))
      try file.write(contentsOf: Data(part))
    }
  }
}

/// A small XFS that can reflink, mounted for the length of `body`.
func withXFS(in folder: String, _ body: (String) async throws -> Void) async throws {
  let point = "\(folder)/xfs"
  do {
    try await XFSMount.make(at: point)
  } catch {
    try Test.cancel("no XFS can be mounted here: \(error)")
  }
  let outcome: Result<Void, any Error>
  do {
    outcome = .success(try await body(point))
  } catch {
    outcome = .failure(error)
  }
  try await XFSMount.remove(at: point)
  try outcome.get()
}
