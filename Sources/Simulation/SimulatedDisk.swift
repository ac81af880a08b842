import Checksum
import Disks
import Glibc

/// A disk that a server offers: that of a session, or of an image that isn't raw.
struct SimulatedDisk: BlockDevice {
  let name: String
  let size: Int64
  let course: Course
  /// Called before each read that a worker makes.
  var willRead: @Sendable () async -> Void = {}
  /// Everything on it; nil: the server is gone.
  let bytes: @Sendable () -> [UInt8]?

  private static let pieceSize = Scenario.chunkSize / 2

  func read(at offset: Int64, into buffer: AlignedBuffer, count: Int) async throws(DiskError) {
    guard await course.visit("served: read \(name) at \(offset)") else { throw failure }
    await willRead()
    if course.take({ $0 == .diskFailed }) != nil { throw failure }
    guard let bytes = bytes(), Int(offset) + count <= bytes.count else { throw failure }
    buffer.fill(bytes[Int(offset)..<Int(offset) + count])
  }

  func extents(in range: Range<Int64>) async throws(DiskError) -> [Extent] {
    guard let bytes = bytes(), range.upperBound <= bytes.count else { throw failure }
    return stride(from: Int(range.lowerBound), to: Int(range.upperBound), by: Self.pieceSize)
      .map { start in
        let piece = start..<min(start + Self.pieceSize, Int(range.upperBound))
        let isZero = bytes[piece] == ArraySlice(repeating: 0, count: piece.count)
        return Extent(range: Int64(piece.lowerBound)..<Int64(piece.upperBound), isZero: isZero)
      }
  }

  func write(
    at offset: Int64,
    from buffer: AlignedBuffer,
    part: Range<Int>
  ) async throws(DiskError) {
    throw failure
  }

  func zero(at offset: Int64, count: Int64) async throws(DiskError) { throw failure }

  func flush() async throws(DiskError) {}

  func close() async throws(DiskError) {}

  private var failure: DiskError { .io(operation: "served disk", path: name, errno: EIO) }
}

extension AlignedBuffer {
  /// Puts bytes at the front.
  func fill(_ bytes: ArraySlice<UInt8>) {
    Array(bytes).withRawBytes { source in
      withMutableBytes(source.byteCount) { target in copy(source, into: &target) }
    }
  }
}

extension Set<Int> {
  /// The parts of `range` that are in one of these blocks.
  func ranges(in range: Range<Int64>) -> [Range<Int64>] {
    sorted().compactMap { block in
      let start = Int64(block * Scenario.chunkSize)
      let part = (start..<start + Int64(Scenario.chunkSize)).clamped(to: range)
      return part.isEmpty ? nil : part
    }
  }
}
