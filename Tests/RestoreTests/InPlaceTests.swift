import Checksum
import Datastore
import Disks
import Foundation
import Model
import Synchronization
import TestSupport
import Testing

@testable import Restore

/// Writing disks over and back, without any machine, and dying at every moment of it.
@Suite(.scratchDirectory)
struct InPlaceTests {
  /// What a disk holds and what it is to hold.
  private struct Scene {
    let chunkSize = 1 << 16
    let held: [UInt8]
    let wanted: [UInt8]

    init(held: [UInt8], wanted: [UInt8]) {
      self.held = held
      self.wanted = wanted
    }

    init(seed: UInt64) {
      var random = Seeded(seed)
      let pieces = Int.random(in: 2...9, using: &random)
      let tail = [0, 512, 5000].randomElement(using: &random) ?? 0
      var held: [UInt8] = []
      for _ in 0..<pieces {
        let byte = UInt8.random(in: 0...3, using: &random)
        held += [UInt8](repeating: byte, count: chunkSize)
      }
      held += [UInt8](repeating: 9, count: tail)
      var wanted = held
      if Bool.random(using: &random) { wanted.removeLast(chunkSize / 2) }
      for start in stride(from: 0, to: wanted.count, by: chunkSize)
      where Bool.random(using: &random) {
        let byte = UInt8.random(in: 0...3, using: &random)
        for place in start..<min(wanted.count, start + chunkSize) { wanted[place] = byte }
      }
      self.held = held
      self.wanted = wanted
    }

    var expected: [UInt8] { wanted + [UInt8](repeating: 0, count: held.count - wanted.count) }
  }

  /// A disk, its log and what fills it.
  private struct Setting {
    let bench: DiskBench
    let index: FixedIndex
    let path: String
    let logPath: String
    let scene: Scene
    private let threads = BlockingExecutor(label: "test", width: 4)

    init(_ scene: Scene, diskFolder: String? = nil) async throws {
      self.scene = scene
      bench = try DiskBench("\(ScratchDirectory.path)/\(UUID().uuidString.prefix(8))")
      path = "\(diskFolder ?? bench.folder)/disk"
      logPath = "\(bench.folder)/log"
      try scene.held.writeSparse(to: path)
      index = try await bench.backUp(scene.wanted, chunkSize: scene.chunkSize)
      try await UndoLog.create(
        logPath,
        diskSize: Int64(scene.held.count),
        pieceSize: scene.chunkSize
      )
    }

    /// Does `body` for each of the pieces on the disk opened anew, until the process "dies" after
    /// some reads and writes.
    func run(
      dyingAfter operations: Int = .max,
      hasBackup: Bool = true,
      mayWrite: Bool = true,
      _ pieces: (UndoLog, InPlaceFill) -> [Int],
      _ body: @escaping @Sendable (InPlaceFill, Int) async throws(StepStop) -> StagedRecord
    ) async throws -> StagedRecord {
      let device = MortalDisk(
        try await RawDisk.open(path, access: .write),
        lasting: operations
      )
      let log = try await UndoLog.open(
        logPath,
        diskSize: Int64(scene.held.count),
        pieceSize: hasBackup ? scene.chunkSize : nil,
        threads: threads
      )
      let fill = InPlaceFill(
        index: hasBackup ? index : nil,
        device: device,
        log: log,
        reader: bench.store.reader(
          on: threads,
          packed: BufferPool(count: 2, capacity: 1 << 16),
          digests: DigestQueue(on: threads)
        ),
        buffers: BufferPool(count: 3, capacity: 1 << 16),
        shadows: BufferPool(count: 2, capacity: 1 << 16),
        flushes: FlushGroup(device),
        isReadBack: true,
        threads: threads,
        rates: [],
        mayWrite: { () throws(StepStop) in if !mayWrite { throw .startedMeanwhile } }
      )
      var total = StagedRecord()
      let outcome: Result<Void, any Error>
      do {
        try await StepWalk.run(pieces(log, fill)) { _, record throws(StepStop) in
          total += record
        } body: { piece throws(StepStop) in
          try await body(fill, piece)
        }
        outcome = .success(())
      } catch {
        outcome = .failure(error)
      }
      try await device.close()
      try await log.close()
      try outcome.get()
      return total
    }

    func forward(dyingAfter operations: Int = .max) async throws -> StagedRecord {
      try await run(dyingAfter: operations) { _, fill in
        Array(0..<fill.pieceCount)
      } _: { fill, piece throws(StepStop) in
        try await fill.forward(piece)
      }
    }

    /// Puts back what is saved, which needs no backup.
    func rollback(dyingAfter operations: Int = .max) async throws {
      _ = try await run(dyingAfter: operations, hasBackup: false) { log, _ in
        log.pieces
      } _: { fill, piece throws(StepStop) in
        try await fill.back(piece)
      }
    }

    func undo() async throws {
      _ = try await run { _, fill in
        Array(0..<fill.pieceCount)
      } _: { fill, piece throws(StepStop) in
        try await fill.back(piece)
      }
    }

    var contents: [UInt8] {
      get throws { [UInt8](try Data(contentsOf: URL(filePath: path))) }
    }

    /// Gives back the room of all zero pages.
    func digHoles() async throws {
      try await TestProcess.run("fallocate", ["--dig-holes", path])
    }

    /// What the disk takes on its file system, and its log.
    var taken: (disk: Int64, log: Int64) {
      get async throws {
        (try await DiskImage.allocatedBytes(path), try await DiskImage.allocatedBytes(logPath))
      }
    }
  }

  /// Pieces of a page of data each, which become zeros, or another page of data at another place.
  private static func thin(pieces: Int) -> Scene {
    let zeros = [UInt8](repeating: 0, count: (1 << 16) - 4096)
    let page = [UInt8](repeating: 7, count: 4096)
    return Scene(
      held: (0..<pieces).flatMap { _ in page + zeros },
      wanted: (0..<pieces).flatMap { $0 % 2 == 0 ? page + zeros : zeros + page }
    )
  }

  @Test func `a thin disk stays thin, there and back, and so is its log`() async throws {
    let pieces = 64
    let setting = try await Setting(Self.thin(pieces: pieces))
    try await setting.digHoles()
    let before = try await setting.taken
    // What a file system takes for its lists of blocks.
    let lists = Int64(32 << 10)
    #expect(before.disk <= Int64(pieces * 4096) + lists)
    _ = try await setting.forward()
    let after = try await setting.taken
    // Every second piece has its page elsewhere now, and zeros where it was.
    #expect(after.disk <= before.disk + Int64(pieces / 2 * 4096) + lists)
    #expect(after.log <= before.log + Int64(pieces * 2 * 4096) + lists)
    try await setting.rollback()
    #expect(try setting.contents == setting.scene.held)
    #expect(try await setting.taken.disk <= before.disk + lists)
  }

  @Test func `a disk whose zeros have their room keeps it`() async throws {
    let setting = try await Setting(Self.thin(pieces: 16))
    try await TestProcess.run("fallocate", ["--length", "\(16 << 16)", setting.path])
    let before = try await setting.taken
    #expect(before.disk >= 16 << 16)
    _ = try await setting.forward()
    try await setting.rollback()
    #expect(try setting.contents == setting.scene.held)
    #expect(try await setting.taken.disk >= before.disk)
  }

  @Test func `nothing is written once nothing may be`() async throws {
    let setting = try await Setting(Scene(seed: 3))
    await #expect(throws: StepStop.self) {
      _ = try await setting.run(mayWrite: false) { _, fill in
        Array(0..<fill.pieceCount)
      } _: { fill, piece throws(StepStop) in
        try await fill.forward(piece)
      }
    }
    #expect(try setting.contents == setting.scene.held)
    try await setting.rollback()
    #expect(try setting.contents == setting.scene.held)
  }

  @Test(arguments: 1...8)
  func `whenever the process dies, the disk can be made whole either way`(
    _ seed: Int
  ) async throws {
    let scene = Scene(seed: UInt64(seed))
    for moment in stride(from: 0, to: 40, by: 5) {
      let comment: Comment = "seed \(seed), dead after \(moment) operations"
      // Forward, dead, forward again.
      let rolled = try await Setting(scene)
      if (try? await rolled.forward(dyingAfter: moment)) == nil {
        _ = try? await rolled.forward(dyingAfter: moment / 2)
      }
      _ = try await rolled.forward()
      #expect(try rolled.contents == scene.expected, comment)
      // Forward, dead, back, dead, back again.
      let turned = try await Setting(scene)
      _ = try? await turned.forward(dyingAfter: moment)
      _ = try? await turned.rollback(dyingAfter: moment / 3)
      try await turned.rollback()
      #expect(try turned.contents == scene.held, comment)
      try FileManager.default.removeItem(atPath: rolled.bench.folder)
      try FileManager.default.removeItem(atPath: turned.bench.folder)
    }
  }

  @Test(.enabled { await SmallFileSystem.isAvailable })
  func `a disk on a file system that gets full can be put back`() async throws {
    let chunk = 1 << 16
    let folder = "\(ScratchDirectory.path)/full"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try await SmallFileSystem.with(at: folder, megabytes: 2) {
      // What holds data becomes zero, and what is a hole gets data: more than there is room for.
      let data = (0..<16).flatMap { [UInt8](repeating: UInt8($0 + 1), count: chunk) }
      let none = [UInt8](repeating: 0, count: 32 * chunk)
      let scene = Scene(
        held: data + none,
        wanted: [UInt8](repeating: 0, count: data.count) + data + data
      )
      let setting = try await Setting(scene, diskFolder: folder)
      await #expect(throws: StepStop.self) { _ = try await setting.forward() }
      // Nobody gives room back meanwhile, and others take what there is.
      try SmallFileSystem.fill(folder, with: "others")
      try await setting.rollback()
      #expect(try setting.contents == scene.held)
      let held = try FileManager.default.attributesOfFileSystem(forPath: folder)
      #expect((held[.systemFreeSize] as? Int ?? 0) > 0, "holes are holes again")
    }
  }

  @Test(arguments: 1...8)
  func `an undo brings back what was there, whatever the guest wrote since`(
    _ seed: Int
  ) async throws {
    let scene = Scene(seed: UInt64(seed))
    let setting = try await Setting(scene)
    let moved = try await setting.forward()
    #expect(try setting.contents == scene.expected)
    let same = try await setting.forward()
    #expect(same.bytesWritten == 0)
    #expect(moved.bytesReused + moved.bytesWritten == Int64(scene.held.count))
    var random = Seeded(UInt64(seed) &+ 99)
    var changed = try setting.contents
    for _ in 0..<20 {
      changed[Int.random(in: 0..<changed.count, using: &random)] = 0x77
    }
    try Data(changed).write(to: URL(filePath: setting.path))
    try await setting.undo()
    #expect(try setting.contents == scene.held)
  }

  @Test func `a record that was cut short doesn't count`() async throws {
    let setting = try await Setting(Scene(seed: 3))
    _ = try await setting.forward()
    let file = try #require(FileHandle(forUpdatingAtPath: setting.logPath))
    let log = try await UndoLog.open(
      setting.logPath,
      diskSize: Int64(setting.scene.held.count),
      pieceSize: setting.scene.chunkSize,
      threads: BlockingExecutor(label: "test", width: 1)
    )
    let piece = try #require(log.pieces.first)
    let count = log.pieces.count
    try await log.close()
    try file.seek(toOffset: UInt64(4096 + piece * (4096 + (1 << 16)) + 4096 + 100))
    try file.write(contentsOf: Data([0xEE]))
    try file.close()
    let again = try await UndoLog.open(
      setting.logPath,
      diskSize: Int64(setting.scene.held.count),
      pieceSize: setting.scene.chunkSize,
      threads: BlockingExecutor(label: "test", width: 1)
    )
    #expect(again.digest(of: piece) == nil)
    #expect(again.pieces.count == count - 1)
    try await again.close()
  }

  @Test func `a log of another disk is refused`() async throws {
    let setting = try await Setting(Scene(seed: 3))
    await #expect(throws: DiskError.stampMismatch(path: setting.logPath)) {
      try await UndoLog.open(
        setting.logPath,
        diskSize: Int64(setting.scene.held.count) + 512,
        pieceSize: setting.scene.chunkSize,
        threads: BlockingExecutor(label: "test", width: 1)
      )
    }
  }
}

/// A disk that fails for good after some operations, as a process that is killed stops there.
private final class MortalDisk: DiskDouble {
  let disk: any BlockDevice
  private let left: Mutex<Int>

  init(_ disk: RawDisk, lasting operations: Int) {
    self.disk = disk
    left = Mutex(operations)
  }

  private func live() throws(DiskError) {
    let isDead = left.withLock { left in
      left -= 1
      return left < 0
    }
    if isDead { throw .closed }
  }

  func read(at offset: Int64, into buffer: AlignedBuffer, count: Int) async throws(DiskError) {
    try live()
    try await disk.read(at: offset, into: buffer, count: count)
  }

  /// The last write of a dying process may come through by halves.
  func write(
    at offset: Int64,
    from buffer: AlignedBuffer,
    part: Range<Int>
  ) async throws(DiskError) {
    do throws(DiskError) {
      try live()
    } catch {
      let half = max(512, part.count / 2 / 4096 * 4096)
      try await disk.write(
        at: offset,
        from: buffer,
        part: part.lowerBound..<min(part.upperBound, part.lowerBound + half)
      )
      throw error
    }
    try await disk.write(at: offset, from: buffer, part: part)
  }

  func zero(at offset: Int64, count: Int64) async throws(DiskError) {
    try live()
    try await disk.zero(at: offset, count: count)
  }

  func flush() async throws(DiskError) {
    try live()
    try await disk.flush()
  }
}
