internal import CZlib

/// The CRC-32 of zlib, gzip and PNG (IEEE 802.3), computed by zlib.
package enum CRC32 {
  /// The checksum of `bytes`.
  package static func checksum(of bytes: RawSpan) -> UInt32 {
    unsafe bytes.withUnsafeBytes { buffer in
      UInt32(
        truncatingIfNeeded: unsafe crc32_z(
          0,
          buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
          buffer.count
        )
      )
    }
  }
}
