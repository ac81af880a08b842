import Checksum
import Disks
import Model

/// Chunks of a disk, spread over its data, in memory.
struct Sample: Sendable {
  /// One chunk of the disk.
  struct Chunk: Sendable {
    /// Its place among the chunks of the sample.
    let number: Int
    /// Where it is on the disk it comes from.
    let offset: Int64
    let buffer: AlignedBuffer

    var count: Int { Limits.chunkBytes }
    /// Where it is on a disk that holds the sample alone.
    var place: Int64 { Int64(number) * Int64(Limits.chunkBytes) }

    func bytes<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
      try buffer.withBytes(count, body)
    }
  }

  /// Most chunks of a sample: 256 MiB of memory.
  private static let size = 64

  let image: String
  let chunks: [Chunk]
  var bytes: Int64 { Int64(chunks.count) * Int64(Limits.chunkBytes) }

  /// Reads a sample of the raw disk at `image`.
  init(of image: String) async throws {
    let disk = try await RawDisk.open(image, access: .read)
    let chunkBytes = Int64(Limits.chunkBytes)
    let extents = try await disk.extents(in: 0..<disk.size)
    var offsets: [Int64] = []
    for extent in extents where !extent.isZero {
      let first = (extent.range.lowerBound + chunkBytes - 1) / chunkBytes
      let end = extent.range.upperBound / chunkBytes
      if first < end { offsets += (first..<end).map { $0 * chunkBytes } }
    }
    let step = max(1, offsets.count / Self.size)
    var chunks: [Chunk] = []
    for offset in stride(from: 0, to: offsets.count, by: step).map({ offsets[$0] }) {
      let buffer = AlignedBuffer(capacity: Limits.chunkBytes)
      try await disk.read(at: offset, into: buffer, count: Limits.chunkBytes)
      guard !buffer.withBytes(Limits.chunkBytes, { isZero($0) }) else { continue }
      chunks.append(Chunk(number: chunks.count, offset: offset, buffer: buffer))
      if chunks.count == Self.size { break }
    }
    try await disk.close()
    guard !chunks.isEmpty else { throw Fault("the disk has no whole chunk of data") }
    self.image = image
    self.chunks = chunks
  }
}
