import Synchronization

/// A fixed number of equal buffers, lent one at a time to whoever has waited longest.
///
/// The pool is what bounds the blocks in flight: whoever wants another one suspends until a
/// buffer comes back. Memory is allocated when first needed and kept.
package final class BufferPool: Sendable {
  /// How many bytes each buffer holds.
  package let capacity: Int

  private let slots: AsyncSlots
  /// Whose buffers are lent; nil: its own.
  private let whole: BufferPool?
  private let idle = Mutex<[AlignedBuffer]>([])

  /// Makes a pool of at most `count` buffers of `capacity` bytes each.
  package init(count: Int, capacity: Int) {
    self.capacity = capacity
    slots = AsyncSlots(count: count)
    whole = nil
  }

  private init(_ count: Int, of whole: BufferPool) {
    capacity = whole.capacity
    slots = AsyncSlots(count: count)
    self.whole = whole
  }

  /// A part of this pool for one of those who share it: at most `count` of its buffers at a time.
  ///
  /// Where that is less than there are, somebody who never gives his back leaves some to the others.
  package func share(_ count: Int) -> BufferPool { BufferPool(count, of: self) }

  /// Lends a buffer for the length of `body`; its bytes are whatever the last borrower left.
  ///
  /// The buffer must not be kept after `body` returns. Who holds a buffer must not ask for another
  /// one of the same pool: two such borrowers could wait for each other for ever.
  package func withBuffer<R, E: Error>(
    _ body: (AlignedBuffer) async throws(E) -> R
  ) async throws(E) -> R {
    await slots.acquire()
    if let whole {
      defer { slots.release() }
      return try await whole.withBuffer(body)
    }
    let buffer = idle.withLock { $0.popLast() } ?? AlignedBuffer(capacity: capacity)
    do throws(E) {
      let result = try await body(buffer)
      giveBack(buffer)
      return result
    } catch {
      giveBack(buffer)
      throw error
    }
  }

  private func giveBack(_ buffer: AlignedBuffer) {
    idle.withLock { $0.append(buffer) }
    slots.release()
  }
}
