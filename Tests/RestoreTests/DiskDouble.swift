import Disks

/// A disk over another one, which does whatever a test doesn't come between.
protocol DiskDouble: BlockDevice {
  var disk: any BlockDevice { get }
}

extension DiskDouble {
  var size: Int64 { disk.size }

  func read(at offset: Int64, into buffer: AlignedBuffer, count: Int) async throws(DiskError) {
    try await disk.read(at: offset, into: buffer, count: count)
  }

  func write(
    at offset: Int64,
    from buffer: AlignedBuffer,
    part: Range<Int>
  ) async throws(DiskError) {
    try await disk.write(at: offset, from: buffer, part: part)
  }

  func zero(at offset: Int64, count: Int64) async throws(DiskError) {
    try await disk.zero(at: offset, count: count)
  }

  func extents(in range: Range<Int64>) async throws(DiskError) -> [Extent] {
    try await disk.extents(in: range)
  }

  func flush() async throws(DiskError) { try await disk.flush() }

  func close() async throws(DiskError) { try await disk.close() }
}
