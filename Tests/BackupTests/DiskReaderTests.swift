import Checksum
import Datastore
import Disks
import Foundation
import Model
import TestSupport
import Testing

@testable import Backup

@Suite(.scratchDirectory) struct DiskReaderTests {
  private static let chunkSize = 1 << 16

  @Test(arguments: (1...24).map { UInt64($0) &* 0x9E37 })
  func `an increment holds what a full backup would, whatever changed and whatever was lost`(
    seed: UInt64
  ) async throws {
    print("increments: seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let store = try Self.store()
    let disk = MemoryDisk(Self.content(&generator))
    var parent = try await Self.backUp(disk, into: store, known: nil).index
    for round in 1...3 {
      let dirty = Self.changes(of: disk, &generator)
      let lost = try Self.lose(share: round - 1, of: parent, in: store, &generator)
      _ = disk.takeReads()
      let known = KnownContent(index: parent) { range throws(DiskError) in
        dirty.filter { $0.overlaps(range) }.map { $0.clamped(to: range) }
      }
      let made = try await Self.backUp(disk, into: store, known: known)
      Self.expectOnlyNeededReads(disk.takeReads(), of: disk, dirty: dirty, lost: lost)
      let full = try await Self.backUp(disk, into: store, known: nil)
      #expect(made.index == full.index, "seed \(seed), round \(round)")
      #expect(try await Self.content(of: made.index, in: store) == disk.bytes, "seed \(seed)")
      #expect(made.count.bytesDone == disk.size)
      #expect(made.count.bytesNonZero == full.count.bytesNonZero)
      parent = made.index
    }
  }

  @Test func `reading what was lost can be stopped`() async throws {
    let store = try Self.store()
    let disk = MemoryDisk([UInt8](repeating: 7, count: Self.chunkSize * 2))
    let parent = try await Self.backUp(disk, into: store, known: nil).index
    var generator = SeededGenerator(seed: 1)
    _ = try Self.lose(share: 4, of: parent, in: store, &generator)
    let known = KnownContent(index: parent) { _ throws(DiskError) in [] }
    _ = disk.takeReads()
    await #expect(throws: BackupStop.self) {
      _ = try await Self.backUp(disk, into: store, known: known) { () throws(BackupStop) in
        throw .cancelled
      }
    }
    #expect(disk.takeReads().isEmpty)
  }

  @Test func `neither a hole nor an untouched disk is read at all`() async throws {
    let store = try Self.store()
    let disk = MemoryDisk([UInt8](repeating: 0, count: Self.chunkSize * 300))
    let first = try await Self.backUp(disk, into: store, known: nil)
    #expect(disk.takeReads().isEmpty)
    #expect(first.count.bytesNonZero == 0)
    disk.change(0..<10, to: 7)
    let second = try await Self.backUp(disk, into: store, known: nil)
    #expect(disk.takeReads() == [0..<Int64(MemoryDisk.blockSize)])
    let known = KnownContent(index: second.index) { _ throws(DiskError) in [] }
    let third = try await Self.backUp(disk, into: store, known: known)
    #expect(disk.takeReads().isEmpty)
    #expect(third.index == second.index)
    #expect(third.count.bytesReused == disk.size)
  }

  @Test func `a client can't tell another's content from its own new one, and knows its own again`()
    async throws
  {
    let store = try Self.store()
    // The third chunk is zeros.
    var bytes = [UInt8](repeating: 0, count: Self.chunkSize * 3)
    for offset in 0..<Self.chunkSize * 2 {
      bytes[offset] = UInt8(truncatingIfNeeded: (offset &* 2_654_435_761) >> 13)
    }
    let disk = MemoryDisk(bytes)
    let first = try await Self.backUp(disk, into: store, known: nil)
    #expect(first.count.bytesWritten > 0)
    #expect(first.count.bytesReused == Int64(Self.chunkSize))
    let other = try await Self.backUp(disk, into: store, known: nil, of: "cli_b")
    #expect(other.count == first.count)
    let again = try await Self.backUp(disk, into: store, known: nil, of: "cli_b")
    #expect(again.count.bytesWritten == 0 && again.count.bytesReused == disk.size)
  }

  // MARK: - Parts

  private static func store() throws -> LocalDatastore {
    let root = "\(ScratchDirectory.path)/store"
    try FileManager.default.createDirectory(
      atPath: "\(root)/.chunks",
      withIntermediateDirectories: true
    )
    return try LocalDatastore(
      path: root,
      sync: .none,
      executor: BlockingExecutor(label: "test.datastore", width: 4)
    )
  }

  /// A disk with a short last chunk: runs of data, of zeros, and of repetitions.
  private static func content(_ generator: inout SeededGenerator) -> [UInt8] {
    let size =
      Int.random(in: 1...12, using: &generator) * chunkSize
      + Int.random(in: 1...15, using: &generator) * MemoryDisk.blockSize
    var bytes = [UInt8](repeating: 0, count: size)
    for _ in 1...8 {
      let start = Int.random(in: 0..<size, using: &generator)
      let length = min(size - start, Int.random(in: 1...chunkSize * 2, using: &generator))
      let byte = UInt8.random(in: 0...3, using: &generator)
      for offset in start..<start + length { bytes[offset] = byte }
    }
    return bytes
  }

  private static func changes(
    of disk: MemoryDisk,
    _ generator: inout SeededGenerator
  ) -> [Range<Int64>] {
    var dirty: [Range<Int64>] = []
    for _ in 0..<Int.random(in: 0...4, using: &generator) {
      let start = Int.random(in: 0..<Int(disk.size), using: &generator)
      let length = Int.random(in: 1...chunkSize * 2, using: &generator)
      let range = start..<min(Int(disk.size), start + length)
      disk.change(range, to: UInt8.random(in: 0...255, using: &generator))
      dirty.append(Int64(range.lowerBound)..<Int64(range.upperBound))
    }
    return dirty
  }

  /// Removes some of an index's chunks from the store, as a verification that finds damage does.
  private static func lose(
    share: Int,
    of index: FixedIndex,
    in store: LocalDatastore,
    _ generator: inout SeededGenerator
  ) throws -> Set<String> {
    var lost: Set<String> = []
    for digest in Set(index.digests) where Int.random(in: 0..<4, using: &generator) < share {
      let name = digest.description
      try FileManager.default.removeItem(atPath: "\(store.path)/.chunks/\(name.prefix(4))/\(name)")
      lost.insert(name)
    }
    return lost
  }

  private static func backUp(
    _ disk: MemoryDisk,
    into store: LocalDatastore,
    known: KnownContent?,
    of client: String = "cli_a",
    goOn: () throws(BackupStop) -> Void = {}
  ) async throws -> (index: FixedIndex, count: ReadCount) {
    let writer = try await store.begin(namespace: [client], id: "vps_a", notBefore: 1000)
    let archive = "drive-virtio0.img.fidx"
    let reader = DiskReader(
      source: SourceDisk(
        observed: ObservedDisk(
          device: "vda",
          bus: "virtio",
          storage: .file,
          format: "raw",
          path: "",
          sizeBytes: disk.size
        ),
        archive: archive,
        device: disk,
        known: known
      ),
      index: try writer.beginIndex(archive, size: disk.size, chunkSize: chunkSize),
      buffers: BufferPool(count: 4, capacity: chunkSize)
    )
    var count = ReadCount()
    try await reader.readAll { step throws(BackupStop) in count += step }
    count += try await reader.readLostChunks(goOn)
    try await reader.index.close()
    _ = try await writer.finish()
    let snapshot = try await store.open(writer.path)
    return (try #require(snapshot.indexes[archive]), count)
  }

  private static func content(
    of index: FixedIndex,
    in store: LocalDatastore
  ) async throws -> [UInt8] {
    let buffer = AlignedBuffer(capacity: index.chunkSize)
    var bytes: [UInt8] = []
    for chunk in 0..<index.chunkCount {
      let length = index.length(of: chunk)
      try await store.readChunk(index.digests[chunk], into: buffer, expecting: length)
      bytes += buffer.withBytes(length) { concatenate([], $0) }
    }
    return bytes
  }

  /// What was read had changed, or was lost.
  private static func expectOnlyNeededReads(
    _ reads: [Range<Int64>],
    of disk: MemoryDisk,
    dirty: [Range<Int64>],
    lost: Set<String>
  ) {
    guard lost.isEmpty else { return }
    for read in reads {
      let chunk = read.lowerBound / Int64(chunkSize) * Int64(chunkSize)
      let whole = chunk..<chunk + Int64(chunkSize)
      #expect(dirty.contains { $0.overlaps(whole) }, "\(read) was read although nobody changed it")
    }
  }
}
