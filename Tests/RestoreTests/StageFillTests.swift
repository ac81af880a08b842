import Disks
import Foundation
import Model
import TestSupport
import Testing

@testable import Restore

/// What filling a stage writes, and in which order.
@Suite(.scratchDirectory)
struct StageFillTests {
  private static let chunkSize = 1 << 18

  private let path = "\(ScratchDirectory.path)/stage"
  private let notes = NotedDisk.Notes()

  /// Writes one chunk onto a disk that holds something, or nothing.
  private func fill(_ wanted: [UInt8], over held: [UInt8]?, readsBack: Bool) async throws
    -> StagedRecord
  {
    let bench = try DiskBench()
    let index = try await bench.backUp(wanted, chunkSize: Self.chunkSize)
    try (held ?? [UInt8](repeating: 0, count: wanted.count)).writeSparse(to: path)
    let disk = NotedDisk(try await RawDisk.open(path, access: .write), "disk", notes)
    let fill = bench.fill(disk, index, readsBack: readsBack, isEmpty: held == nil)
    let record = try await fill.perform(.write(0))
    try await disk.close()
    return record
  }

  @Test func `what is read back was flushed first`() async throws {
    let bytes = [UInt8](repeating: 7, count: Self.chunkSize)
    _ = try await fill(bytes, over: nil, readsBack: true)
    #expect(notes.take() == [.write("disk"), .flush("disk"), .read("disk")])
    try FileManager.default.removeItem(atPath: path)
    _ = try await fill(bytes, over: nil, readsBack: false)
    #expect(notes.take() == [.write("disk")])
  }

  @Test(arguments: [true, false])
  func `runs of zeros within a chunk take no room`(isEmpty: Bool) async throws {
    let count = Self.chunkSize
    var wanted = [UInt8](repeating: 0, count: count)
    for place in [0, 100_000, count - 1] { wanted[place] = 1 }
    let held = isEmpty ? nil : [UInt8](repeating: 9, count: count)
    let record = try await fill(wanted, over: held, readsBack: true)
    #expect([UInt8](try Data(contentsOf: URL(filePath: path))) == wanted)
    #expect(record.bytesRead == Int64(count))
    #expect(record.bytesWritten == 3 * 4096)
    #expect(record.bytesZeroed == Int64(count - 3 * 4096))
    #expect(try await DiskImage.allocatedBytes(path) <= 3 * 4096)
    #expect(notes.take().contains(.zero("disk")) == !isEmpty)
  }
}
