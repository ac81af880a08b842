import Checksum
import Datastore
import Disks
import Foundation
import Model
import TestSupport

@testable import Restore

/// A datastore with disks in it, and what fills disks from it, without any machine.
struct DiskBench: Sendable {
  let folder: String
  let store: LocalDatastore
  private let threads = BlockingExecutor(label: "bench", width: 8)

  init(_ folder: String = ScratchDirectory.path) throws {
    self.folder = folder
    try FileManager.default.createDirectory(
      atPath: "\(folder)/store/.chunks",
      withIntermediateDirectories: true
    )
    store = try LocalDatastore(path: "\(folder)/store", sync: .none, executor: threads)
  }

  /// Backs `disk` up in chunks of `chunkSize`, and gives its index as it is read again.
  func backUp(_ disk: [UInt8], chunkSize: Int) async throws -> FixedIndex {
    try await backUpAt(disk, chunkSize: chunkSize).index
  }

  /// The same, with where the backup is.
  func backUpAt(
    _ disk: [UInt8],
    chunkSize: Int
  ) async throws -> (path: SnapshotPath, index: FixedIndex) {
    let writer = try await store.begin(namespace: ["cli"], id: "vps", notBefore: 1)
    let builder = try writer.beginIndex(
      "drive-virtio0.img.fidx",
      size: Int64(disk.count),
      chunkSize: chunkSize
    )
    let buffer = AlignedBuffer(capacity: chunkSize)
    for chunk in 0..<builder.chunkCount {
      let count = builder.length(of: chunk)
      let start = chunk * chunkSize
      buffer.withMutableBytes(count) { target in
        disk[start..<start + count].withContiguous { copy($0, into: &target) }
      }
      try await builder.put(chunk: chunk, buffer, count: count)
    }
    try await builder.close()
    _ = try await writer.finish()
    let snapshot = try await store.open(writer.path)
    guard let index = snapshot.indexes["drive-virtio0.img.fidx"] else {
      throw Unexpected(description: "no index")
    }
    return (writer.path, index)
  }

  /// What fills `device`.
  func fill(
    _ device: any BlockDevice,
    _ index: FixedIndex,
    readsBack: Bool = true,
    isEmpty: Bool = false
  ) -> StageFill {
    let digests = DigestQueue(on: threads)
    return StageFill(
      index: index,
      device: device,
      reader: store.reader(
        on: threads,
        packed: BufferPool(count: 2, capacity: 4 << 20),
        digests: digests
      ),
      buffers: BufferPool(count: 4, capacity: 4 << 20),
      shadows: BufferPool(count: 2, capacity: 4 << 20),
      flushes: readsBack ? FlushGroup(device) : nil,
      threads: threads,
      digests: digests,
      rates: [],
      isEmpty: isEmpty
    )
  }

  /// Does a plan and tells what it moved.
  func perform(
    _ plan: StagePlan,
    on device: any BlockDevice,
    _ index: FixedIndex,
    readsBack: Bool = true
  ) async throws -> StagedRecord {
    let fill = fill(device, index, readsBack: readsBack, isEmpty: plan.isOfEmptyDisk)
    var total = StagedRecord(bytesReused: plan.bytesReused)
    try await StepWalk.run(plan.steps) { _, record throws(StepStop) in
      total += record
    } body: { step throws(StepStop) in
      try await fill.perform(step)
    }
    try await device.flush()
    return total
  }

  /// Makes a disk of a format that holds `bytes`; one that can has a bitmap, as backups leave them.
  func make(_ path: String, holding bytes: [UInt8], _ format: DiskFormat) async throws {
    guard format == .qcow2 else { return try bytes.writeSparse(to: path) }
    try bytes.writeSparse(to: "\(path).raw")
    try await TestProcess.run("qemu-img", ["convert", "-O", "qcow2", "\(path).raw", path])
    try await TestProcess.run("qemu-img", ["bitmap", "--add", path, "rehome-1"])
  }

  /// What a guest finds on a disk.
  func contents(_ path: String, _ format: DiskFormat) async throws -> [UInt8] {
    guard format == .qcow2 else { return [UInt8](try Data(contentsOf: URL(filePath: path))) }
    try await TestProcess.run("qemu-img", ["convert", "-O", "raw", path, "\(path).read"])
    return [UInt8](try Data(contentsOf: URL(filePath: "\(path).read")))
  }

  /// An index of chunks that are zero (0) or hold the pattern of a number.
  static func index(
    of chunks: [Int],
    chunkSize: Int,
    lastLength: Int
  ) async throws -> FixedIndex {
    let folder = "\(NSTemporaryDirectory())/rehome-bench-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var disk: [UInt8] = []
    for (place, chunk) in chunks.enumerated() {
      let length = place == chunks.count - 1 ? lastLength : chunkSize
      disk += [UInt8](repeating: UInt8(chunk), count: length)
    }
    return try await DiskBench(folder).backUp(disk, chunkSize: chunkSize)
  }
}

extension ArraySlice<UInt8> {
  fileprivate func withContiguous<R>(_ body: (RawSpan) -> R) -> R {
    Array(self).withRawBytes { body($0) }
  }
}

/// A disk that doesn't keep what it was given, from some write on.
final class LyingDisk: DiskDouble {
  let disk: any BlockDevice
  private let isLie: @Sendable (Int64) -> Bool

  init(_ disk: RawDisk, lyingAt isLie: @escaping @Sendable (Int64) -> Bool) {
    self.disk = disk
    self.isLie = isLie
  }

  func write(
    at offset: Int64,
    from buffer: AlignedBuffer,
    part: Range<Int>
  ) async throws(DiskError) {
    guard isLie(offset) else {
      return try await disk.write(at: offset, from: buffer, part: part)
    }
    let count = part.count
    let other = AlignedBuffer(capacity: count)
    buffer.withBytes(part.upperBound) { bytes in
      let source = bytes.extracting(part)
      other.withMutableBytes(count) { target in
        copy(source, into: &target)
        target.storeBytes(of: 0x5A, toByteOffset: count - 1, as: UInt8.self)
      }
    }
    try await disk.write(at: offset, from: other, count: count)
  }
}
