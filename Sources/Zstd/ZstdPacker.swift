import CZstd
import Synchronization

/// Packs frames one after another into memory that it keeps, so that packing costs no allocation.
///
/// One packer serves one call at a time; that its borrowers keep to it is checked.
@safe
package final class ZstdPacker: Sendable {
  /// The most bytes that one call packs.
  package let capacity: Int

  // Used by one call at a time, which `isBusy` makes sure of.
  private nonisolated(unsafe) let context: OpaquePointer?
  private nonisolated(unsafe) let base: UnsafeMutableRawPointer
  private let room: Int
  private let isBusy = Atomic<Bool>(false)

  /// Makes a packer for inputs of at most `capacity` bytes behind headers of at most 64.
  package init(capacity: Int) {
    precondition(capacity > 0, "a packer needs room for a byte")
    self.capacity = capacity
    room = capacity + Self.longestHeader
    unsafe context = ZSTD_createCCtx()
    unsafe base = .allocate(byteCount: room, alignment: Self.alignment)
  }

  deinit {
    unsafe ZSTD_freeCCtx(context)
    unsafe base.deallocate()
  }

  private static let longestHeader = 64
  private static let alignment = 4096

  /// Packs `bytes` behind `header` and lends the result; a frame that isn't shorter than `bytes` is
  /// not packed, and its place is taken by the bytes themselves.
  ///
  /// `header` goes in front of a frame, `plainHeader` in front of bytes that don't get shorter.
  /// `body` gets the header and what follows, and may change both.
  package func pack<R, E: Error>(
    _ bytes: RawSpan,
    level: Int,
    header: [UInt8],
    plainHeader: [UInt8],
    _ body: (inout MutableRawSpan) throws(E) -> R
  ) throws(E) -> R {
    precondition(bytes.byteCount <= capacity, "more bytes than the packer has room for")
    precondition(max(header.count, plainHeader.count) <= Self.longestHeader, "a long header")
    let wasBusy = isBusy.exchange(true, ordering: .acquiring)
    precondition(!wasBusy, "two callers use one packer")
    defer { isBusy.store(false, ordering: .releasing) }
    let packed = unsafe frame(bytes, level: level, at: header.count)
    let start = packed == nil ? plainHeader : header
    let all = unsafe UnsafeMutableRawBufferPointer(start: base, count: room)
    unsafe all.copyBytes(from: start)
    if packed == nil {
      unsafe bytes.withUnsafeBytes { source in
        unsafe UnsafeMutableRawBufferPointer(rebasing: all[start.count...]).copyMemory(from: source)
      }
    }
    let count = start.count + (packed ?? bytes.byteCount)
    var span = unsafe UnsafeMutableRawBufferPointer(rebasing: all[..<count]).mutableBytes
    return try body(&span)
  }

  /// Packs into the memory from `offset` on; nil if that doesn't make it shorter, or fails: for
  /// want of memory, say, which is no reason to lose the data.
  @unsafe
  private func frame(_ bytes: RawSpan, level: Int, at offset: Int) -> Int? {
    // Room for less than the input makes the library itself stop where packing stops to pay.
    let space = bytes.byteCount - 1
    guard space > 0, let context = unsafe context else { return nil }
    let code = unsafe bytes.withUnsafeBytes { source in
      unsafe ZSTD_compressCCtx(
        context,
        base + offset,
        space,
        source.baseAddress,
        source.count,
        Int32(clamping: level)
      )
    }
    return ZSTD_isError(code) == 0 ? code : nil
  }
}
