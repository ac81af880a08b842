import Checksum
import Disks
import Synchronization

/// A disk in memory that remembers what was read of it.
final class MemoryDisk: BlockDevice {
  /// Below this size a run of zeros isn't told from data.
  static let blockSize = 4096

  let size: Int64
  private let state: Mutex<(bytes: [UInt8], reads: [Range<Int64>])>

  init(_ bytes: [UInt8]) {
    size = Int64(bytes.count)
    state = Mutex((bytes, []))
  }

  var bytes: [UInt8] { state.withLock { $0.bytes } }

  /// What was read since the last call.
  func takeReads() -> [Range<Int64>] {
    state.withLock { state in
      defer { state.reads = [] }
      return state.reads
    }
  }

  /// Changes a range behind everybody's back.
  func change(_ range: Range<Int>, to byte: UInt8) {
    state.withLock { state in for offset in range { state.bytes[offset] = byte } }
  }

  func read(at offset: Int64, into buffer: AlignedBuffer, count: Int) async throws(DiskError) {
    let bytes = state.withLock { state in
      state.reads.append(offset..<offset + Int64(count))
      return Array(state.bytes[Int(offset)..<Int(offset) + count])
    }
    buffer.withMutableBytes(count) { target in
      bytes.withRawBytes { copy($0, into: &target) }
    }
  }

  func write(
    at offset: Int64,
    from buffer: AlignedBuffer,
    part: Range<Int>
  ) async throws(DiskError) {
    throw .unsupported(reason: "a source is only read")
  }

  func zero(at offset: Int64, count: Int64) async throws(DiskError) {
    throw .unsupported(reason: "a source is only read")
  }

  func extents(in range: Range<Int64>) async throws(DiskError) -> [Extent] {
    let bytes = bytes
    return stride(from: range.lowerBound, to: range.upperBound, by: Self.blockSize).map { start in
      let end = min(start + Int64(Self.blockSize), range.upperBound)
      return Extent(
        range: start..<end,
        isZero: bytes[Int(start)..<Int(end)].allSatisfy { $0 == 0 }
      )
    }
  }

  func flush() async throws(DiskError) {}

  func close() async throws(DiskError) {}
}
