import Glibc

/// A run of a disk's bytes that are all known to be zero, or may be anything.
package struct Extent: Sendable, Equatable {
  /// The bytes it is about.
  package let range: Range<Int64>
  /// Whether they read as zeros without having to be read.
  package let isZero: Bool

  /// Makes an extent.
  package init(range: Range<Int64>, isZero: Bool) {
    self.range = range
    self.isZero = isZero
  }

  /// Appends `extent` to a list in order, joining it to the last one where it can.
  static func append(_ extent: Extent, to extents: inout [Extent]) {
    guard !extent.range.isEmpty else { return }
    guard let last = extents.last, last.isZero == extent.isZero,
      last.range.upperBound == extent.range.lowerBound
    else { return extents.append(extent) }
    extents[extents.count - 1] = Extent(
      range: last.range.lowerBound..<extent.range.upperBound,
      isZero: extent.isZero
    )
  }
}

/// A disk as a guest sees it, whatever stands below it.
///
/// Calls may overlap as long as their ranges don't. After a failed `flush` the disk stays failed:
/// the kernel may have dropped what it could not write, so a second flush would lie.
package protocol BlockDevice: Sendable {
  /// The virtual size in bytes.
  var size: Int64 { get }
  /// Reads `count` bytes at `offset` into the start of `buffer`.
  func read(at offset: Int64, into buffer: AlignedBuffer, count: Int) async throws(DiskError)
  /// Writes the bytes `part` of `buffer` at `offset`.
  func write(at offset: Int64, from buffer: AlignedBuffer, part: Range<Int>) async throws(DiskError)
  /// Makes a range read as zeros, freeing what it took where that is possible.
  func zero(at offset: Int64, count: Int64) async throws(DiskError)
  /// Tells zeros from what must be read, in order and without gaps.
  func extents(in range: Range<Int64>) async throws(DiskError) -> [Extent]
  /// Makes everything written durable.
  func flush() async throws(DiskError)
  /// Lets go of the disk without flushing it; later calls throw `closed`.
  func close() async throws(DiskError)
}

/// What a disk is opened for.
package enum DiskAccess: Sendable, Equatable {
  case read, write
}

extension BlockDevice {
  /// Writes the first `count` bytes of `buffer` at `offset`.
  package func write(
    at offset: Int64,
    from buffer: AlignedBuffer,
    count: Int
  ) async throws(DiskError) {
    try await write(at: offset, from: buffer, part: 0..<count)
  }

  /// Refuses a range that isn't on the disk.
  func check(_ offset: Int64, _ count: Int64, path: String) throws(DiskError) {
    guard offset >= 0, count >= 0, offset <= size, count <= size - offset else {
      throw DiskError.io(operation: "access beyond the end", path: path, errno: EINVAL)
    }
  }
}
