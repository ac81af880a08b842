import Checksum
import Datastore
import Disks
import Foundation
import TestSupport
import Testing

@testable import Restore

/// In which order an undo log and a disk are written: what a loss of power leaves hangs on nothing
/// else.
@Suite(.scratchDirectory)
struct UndoLogOrderTests {
  private static let pieceSize = 1 << 16
  private static let pieces = 4

  private struct Scene {
    let bench: DiskBench
    let notes = NotedDisk.Notes()
    let logPath = "\(ScratchDirectory.path)/log"
    let diskPath = "\(ScratchDirectory.path)/disk"
    let size = Int64(pieces * pieceSize)

    init() async throws {
      bench = try DiskBench()
      let held = [UInt8](repeating: 7, count: pieces * pieceSize)
      try held.writeSparse(to: diskPath)
      try await UndoLog.create(logPath, diskSize: size, pieceSize: pieceSize)
    }

    func openLog() async throws -> UndoLog {
      let file = NotedDisk(try await RawDisk.open(logPath, access: .write), "log", notes)
      return try await UndoLog.open(
        file,
        at: logPath,
        diskSize: size,
        pieceSize: pieceSize,
        threads: BlockingExecutor(label: "test", width: 1)
      )
    }

    /// Does one piece after the other, forward.
    func forward(over log: UndoLog) async throws {
      let wanted = [UInt8](repeating: 9, count: Int(size))
      let index = try await bench.backUp(wanted, chunkSize: pieceSize)
      let disk = NotedDisk(try await RawDisk.open(diskPath, access: .write), "disk", notes)
      let threads = BlockingExecutor(label: "test", width: 2)
      let fill = InPlaceFill(
        index: index,
        device: disk,
        log: log,
        reader: bench.store.reader(
          on: threads,
          packed: BufferPool(count: 1, capacity: pieceSize),
          digests: DigestQueue(on: threads)
        ),
        buffers: BufferPool(count: 1, capacity: pieceSize),
        shadows: BufferPool(count: 1, capacity: pieceSize),
        flushes: FlushGroup(disk),
        isReadBack: true,
        threads: threads,
        rates: []
      )
      for piece in 0..<fill.pieceCount { _ = try await fill.forward(piece) }
      try await disk.close()
    }
  }

  @Test func `a piece is durable in the log before the disk is written`() async throws {
    let scene = try await Scene()
    let log = try await scene.openLog()
    _ = scene.notes.take()
    try await scene.forward(over: log)
    try await log.close()
    let one: [NotedDisk.Effect] = [
      .read("disk"), .write("log"), .write("log"), .flush("log"), .write("disk"), .flush("disk"),
      .read("disk"),
    ]
    #expect(scene.notes.take() == Array(repeating: one, count: Self.pieces).flatMap { $0 })
  }

  @Test func `what a log says when it is opened again is durable before it counts`() async throws {
    let scene = try await Scene()
    let first = try await scene.openLog()
    try await scene.forward(over: first)
    try await first.close()
    _ = scene.notes.take()
    let again = try await scene.openLog()
    #expect(again.pieces == Array(0..<Self.pieces))
    try await again.close()
    let effects = scene.notes.take()
    // The first page tells whether it is a log at all; no piece is read before the flush.
    #expect(effects.prefix(2) == [.read("log"), .flush("log")])
    #expect(!effects.dropFirst(2).contains(.flush("log")))
    #expect(effects.count > 2)
  }
}
