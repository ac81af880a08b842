internal import Glibc

/// Whether all of `bytes` are zero, which holds for no bytes at all.
package func isZero(_ bytes: RawSpan) -> Bool {
  unsafe bytes.withUnsafeBytes { buffer in
    guard let base = buffer.baseAddress, buffer.count > 0 else { return true }
    // If the first byte is zero and each equals its successor, all are; the C library compares
    // as fast as memory allows, also in a debug build.
    return unsafe base.load(as: UInt8.self) == 0
      && memcmp(base, base + 1, buffer.count - 1) == 0
  }
}

/// The parts of `bytes` that are to be kept when zeros aren't, in order.
///
/// They begin and end at multiples of `block`, or at the end. Between two of them, and before the first
/// and behind the last, are at least `gap` bytes of zeros, which is a multiple of `block`.
package func dataRuns(
  _ bytes: RawSpan,
  gap: Int,
  block: Int = 4096
) -> [Range<Int>] {
  var runs: [Range<Int>] = []
  var start = 0
  while start < bytes.byteCount {
    let end = min(bytes.byteCount, start + block)
    defer { start = end }
    guard !isZero(bytes.extracting(start..<end)) else { continue }
    if let last = runs.last, start - last.upperBound < gap {
      runs[runs.count - 1] = last.lowerBound..<end
    } else {
      runs.append((start < gap ? 0 : start)..<end)
    }
  }
  if let last = runs.last, bytes.byteCount - last.upperBound < gap {
    runs[runs.count - 1] = last.lowerBound..<bytes.byteCount
  }
  return runs
}

/// Whether two runs of bytes are the same.
package func areEqual(_ one: RawSpan, _ other: RawSpan) -> Bool {
  guard one.byteCount == other.byteCount else { return false }
  return unsafe one.withUnsafeBytes { left in
    unsafe other.withUnsafeBytes { right in
      guard let left = left.baseAddress, let start = right.baseAddress else { return true }
      return unsafe memcmp(left, start, right.count) == 0
    }
  }
}

/// Copies `source` to the front of `target`, which must have room for it.
package func copy(_ source: RawSpan, into target: inout MutableRawSpan) {
  precondition(source.byteCount <= target.byteCount, "a copy needs room")
  unsafe target.withUnsafeMutableBytes { out in
    unsafe source.withUnsafeBytes { unsafe out.copyMemory(from: $0) }
  }
}

extension [UInt8] {
  /// Lends the bytes from `start` on.
  package func withRawBytes<R, E: Error>(
    from start: Int = 0,
    _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    // A span of bytes has no padding, so that looking at it raw is safe for every array.
    try body(unsafe span.bytes.extracting(start..<count))
  }
}

/// An array of `header` with `body` behind it.
package func concatenate(_ header: [UInt8], _ body: RawSpan) -> [UInt8] {
  let count = header.count + body.byteCount
  return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
    let target = UnsafeMutableRawBufferPointer(buffer)
    unsafe target.copyBytes(from: header)
    unsafe body.withUnsafeBytes { source in
      unsafe UnsafeMutableRawBufferPointer(rebasing: target[header.count...])
        .copyMemory(from: source)
    }
    used = count
  }
}

/// An array of `count` zero bytes.
package func zeros(_ count: Int) -> [UInt8] {
  unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
    if let base = buffer.baseAddress { unsafe memset(base, 0, count) }
    used = count
  }
}
