import Synchronization

/// Memory that direct I/O accepts: page-aligned, of a fixed capacity, freed with its owner.
///
/// One buffer travels between the threads that read, hash and write it. Who may touch it at a
/// moment is decided by the pool that lends it; that the borrower keeps to it is checked: a
/// writer beside any other access traps instead of mixing two blocks.
@safe
package final class AlignedBuffer: Sendable {
  /// The alignment of every buffer in bytes, enough for direct I/O on any block size in use.
  package static let alignment = 4096

  /// How many bytes fit.
  package let capacity: Int

  // Checked by `accesses`: shared for readers, exclusive for a writer.
  private nonisolated(unsafe) let base: UnsafeMutableRawPointer
  /// The number of readers at work, or -1 for one writer.
  private let accesses = Atomic<Int>(0)

  /// Makes a zero-filled buffer of `capacity` bytes, rounded up to the alignment.
  package init(capacity: Int) {
    precondition(capacity > 0, "a buffer needs room for a byte")
    let rounded = (capacity + Self.alignment - 1) / Self.alignment * Self.alignment
    self.capacity = rounded
    unsafe base = .allocate(byteCount: rounded, alignment: Self.alignment)
    unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: rounded)
  }

  deinit { unsafe base.deallocate() }

  /// Lends the first `count` bytes for reading; several readers may do so at once.
  package func withBytes<R, E: Error>(
    _ count: Int,
    _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    try unsafe withUnsafeBytes(count) { bytes throws(E) in
      try unsafe body(bytes.bytes)
    }
  }

  /// Lends the first `count` bytes for writing, to nobody else at the same time.
  package func withMutableBytes<R, E: Error>(
    _ count: Int,
    _ body: (inout MutableRawSpan) throws(E) -> R
  ) throws(E) -> R {
    try unsafe withUnsafeMutableBytes(count) { bytes throws(E) in
      var span = unsafe bytes.mutableBytes
      return try body(&span)
    }
  }

  /// Fills the first `count` bytes with zeros.
  package func zero(_ count: Int) {
    unsafe withUnsafeMutableBytes(count) { bytes in
      _ = unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }
  }

  /// Lends the first `count` bytes to a system call that reads them.
  @unsafe
  func withUnsafeBytes<R, E: Error>(
    _ count: Int,
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    precondition(count >= 0 && count <= capacity, "access beyond the buffer")
    beginReading()
    defer { accesses.subtract(1, ordering: .releasing) }
    return try unsafe body(UnsafeRawBufferPointer(start: base, count: count))
  }

  /// Lends the first `count` bytes to a system call that fills them.
  @unsafe
  func withUnsafeMutableBytes<R, E: Error>(
    _ count: Int,
    _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    precondition(count >= 0 && count <= capacity, "access beyond the buffer")
    let (alone, _) = accesses.compareExchange(
      expected: 0,
      desired: -1,
      ordering: .acquiringAndReleasing
    )
    precondition(alone, "two borrowers use one buffer, and one of them writes")
    defer { accesses.store(0, ordering: .releasing) }
    return try unsafe body(UnsafeMutableRawBufferPointer(start: base, count: count))
  }

  private func beginReading() {
    let before = accesses.add(1, ordering: .acquiring).oldValue
    precondition(before >= 0, "a buffer is read while it is written")
  }
}
