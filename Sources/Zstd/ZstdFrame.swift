internal import CZstd

/// Packs and unpacks zstd frames, always within a bound that the caller sets.
///
/// The content size that a frame announces is never believed: output stops at the bound, whatever
/// the frame says.
package enum ZstdFrame {
  /// Packs `bytes` behind `header`; nil unless the frame is shorter than `bytes`.
  package static func compress(
    _ bytes: RawSpan,
    level: Int,
    header: [UInt8] = []
  ) throws(ZstdError) -> [UInt8]? {
    // Room for less than the input makes the library itself stop where packing stops to pay.
    let room = bytes.byteCount - 1
    guard room > 0 else { return nil }
    var code = 0
    let packed = unsafe [UInt8](unsafeUninitializedCapacity: header.count + room) { out, used in
      let target = UnsafeMutableRawBufferPointer(out)
      unsafe target.copyBytes(from: header)
      let frame = unsafe UnsafeMutableRawBufferPointer(rebasing: target[header.count...])
      code = unsafe bytes.withUnsafeBytes { source in
        unsafe ZSTD_compress(
          frame.baseAddress,
          room,
          source.baseAddress,
          source.count,
          Int32(clamping: level)
        )
      }
      used = ZSTD_isError(code) == 0 ? header.count + code : 0
    }
    guard ZSTD_isError(code) != 0 else { return packed }
    guard ZSTD_getErrorCode(code) == ZSTD_error_dstSize_tooSmall else { throw failure(code) }
    return nil
  }

  /// Unpacks `frame` into the front of `target` and says how many bytes that made.
  package static func decompress(
    _ frame: RawSpan,
    into target: inout MutableRawSpan
  ) throws(ZstdError) -> Int {
    let limit = target.byteCount
    let code = unsafe target.withUnsafeMutableBytes { unsafe unpack(frame, into: $0) }
    guard ZSTD_isError(code) != 0 else { return code }
    if ZSTD_getErrorCode(code) == ZSTD_error_dstSize_tooSmall { throw .tooLarge(limit: limit) }
    throw failure(code)
  }

  /// Unpacks `frame` into memory of its own, of at most `limit` bytes.
  package static func decompress(_ frame: RawSpan, limit: Int) throws(ZstdError) -> [UInt8] {
    // Memory grows with what really comes out, so that a short frame with a huge promise in its
    // header costs nothing.
    var room = min(limit, max(frame.byteCount, 16 << 10) * 4)
    while true {
      var code = 0
      let plain = unsafe [UInt8](unsafeUninitializedCapacity: max(room, 1)) { out, used in
        let target = UnsafeMutableRawBufferPointer(out)
        code = unsafe unpack(frame, into: .init(rebasing: target[..<room]))
        used = ZSTD_isError(code) == 0 ? code : 0
      }
      guard ZSTD_isError(code) != 0 else { return plain }
      guard ZSTD_getErrorCode(code) == ZSTD_error_dstSize_tooSmall else { throw failure(code) }
      guard room < limit else { throw .tooLarge(limit: limit) }
      room = min(limit, room * 4)
    }
  }

  /// Unpacks and returns the library's result: a count or an error code.
  private static func unpack(
    _ frame: RawSpan,
    into target: UnsafeMutableRawBufferPointer
  ) -> Int {
    // The library takes no bytes at all for a frame of no content; here it is a truncated one.
    guard frame.byteCount > 0 else { return -sourceTooShort }
    return unsafe frame.withUnsafeBytes { source in
      unsafe ZSTD_decompress(
        target.baseAddress,
        target.count,
        source.baseAddress,
        source.count
      )
    }
  }

  private static let sourceTooShort = Int(ZSTD_error_srcSize_wrong.rawValue)

  private static func failure(_ code: Int) -> ZstdError {
    let number = ZSTD_getErrorCode(code)
    let isOurs =
      number == ZSTD_error_memory_allocation || number == ZSTD_error_GENERIC
    return isOurs ? .library(code: Int(number.rawValue)) : .damaged(code: Int(number.rawValue))
  }
}
