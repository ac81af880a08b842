import Disks
import TestSupport
import Testing

@testable import Backup

/// Pieces of a disk that a guest has made small are kept as chunks.
struct ChunkPiecesTests {
  private static let chunk = 16_384

  /// A disk of more chunks than are asked about at once, with blocks here and there.
  private static func disk(_ random: inout SeededGenerator) -> [UInt8] {
    let blocks = Int.random(in: 1...1500, using: &random)
    let whole = (0..<blocks).flatMap { _ in
      let byte: UInt8 = Int.random(in: 0..<8, using: &random) == 0 ? 1 : 0
      return [UInt8](repeating: byte, count: MemoryDisk.blockSize)
    }
    return Array(whole.dropLast(Int.random(in: 0..<MemoryDisk.blockSize, using: &random)))
  }

  @Test func `a chunk is zero that is zero from its first byte to its last`() async throws {
    var random = SeededGenerator(seed: UInt64.random(in: 0...UInt64.max))
    for _ in 0..<10 {
      let start = random
      let bytes = Self.disk(&random)
      let found = try await MemoryDisk(bytes).extents(inChunksOf: Self.chunk)
      #expect(found.first?.range.lowerBound == 0)
      #expect(found.last?.range.upperBound == Int64(bytes.count))
      for (left, right) in zip(found, found.dropFirst()) {
        #expect(left.range.upperBound == right.range.lowerBound && left.isZero != right.isZero)
      }
      for extent in found {
        for chunk in stride(
          from: Int(extent.range.lowerBound),
          to: Int(extent.range.upperBound),
          by: Self.chunk
        ) {
          let end = min(chunk + Self.chunk, bytes.count)
          #expect(bytes[chunk..<end].allSatisfy { $0 == 0 } == extent.isZero, "\(start)")
        }
      }
    }
  }

  @Test func `a chunk has changed in which any byte has`() async throws {
    var random = SeededGenerator(seed: UInt64.random(in: 0...UInt64.max))
    for _ in 0..<20 {
      let start = random
      let size = Int64(Int.random(in: 1...(600 * Self.chunk), using: &random))
      var changed: [Range<Int64>] = []
      var place: Int64 = 0
      while place < size, changed.count < 200 {
        let begin = place + Int64(Int.random(in: 0..<(8 * Self.chunk), using: &random))
        let end = min(size, begin + Int64(Int.random(in: 1..<(3 * Self.chunk), using: &random)))
        guard begin < end else { break }
        changed.append(begin..<end)
        place = end + 1
      }
      let all = changed
      let source = OpenedSource(
        device: MemoryDisk([UInt8](repeating: 0, count: Int(size))),
        changes: { part throws(DiskError) in
          all.filter { $0.overlaps(part) }.map { $0.clamped(to: part) }
        },
        hangUp: {}
      )
      let found = try await source.changes(inChunksOf: Self.chunk, ofDisk: size)
      for chunk in stride(from: 0, to: size, by: Self.chunk) {
        let range = chunk..<min(size, chunk + Int64(Self.chunk))
        let isFound = found.contains {
          $0.lowerBound <= range.lowerBound && $0.upperBound >= range.upperBound
        }
        #expect(isFound == all.contains { $0.overlaps(range) }, "\(start) \(range)")
      }
      for (left, right) in zip(found, found.dropFirst()) {
        #expect(left.upperBound < right.lowerBound)
      }
    }
  }
}
