internal import CLibdeflate

/// The CRC-32 of zlib, gzip and PNG (IEEE 802.3), computed by libdeflate.
package enum CRC32 {
  /// The checksum of `bytes`.
  package static func checksum(of bytes: RawSpan) -> UInt32 {
    unsafe bytes.withUnsafeBytes { buffer in
      unsafe libdeflate_crc32(0, buffer.baseAddress, buffer.count)
    }
  }
}
