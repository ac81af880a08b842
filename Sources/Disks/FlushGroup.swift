import Synchronization

/// Makes writes durable for many writers with as few flushes as that takes.
///
/// A flush serves everyone whose write was complete before it began. Whoever comes while one is
/// under way waits for the next, which begins when that one ends: the slower the disk, the more
/// writers share a flush.
package final class FlushGroup: Sendable {
  /// What a writer is to do when its turn comes.
  private enum Turn {
    /// Flush, for itself and for these.
    case lead([CheckedContinuation<Turn, Never>])
    /// Somebody else has flushed.
    case served(Result<Void, DiskError>)
  }

  private struct State {
    var isFlushing = false
    var waiting: [CheckedContinuation<Turn, Never>] = []
  }

  private let device: any BlockDevice
  private let state = Mutex(State())

  /// Makes a group for those who write to `device`.
  package init(_ device: any BlockDevice) {
    self.device = device
  }

  /// Returns when everything that was written before the call is durable.
  package func flush() async throws(DiskError) {
    let turn = await withCheckedContinuation { continuation in
      let leads = state.withLock { state in
        guard !state.isFlushing else {
          state.waiting.append(continuation)
          return false
        }
        state.isFlushing = true
        return true
      }
      if leads { continuation.resume(returning: .lead([])) }
    }
    switch turn {
    case .served(let result):
      try result.get()
    case .lead(let others):
      let result = await flushed()
      passOn()
      for other in others { other.resume(returning: .served(result)) }
      try result.get()
    }
  }

  private func flushed() async -> Result<Void, DiskError> {
    do throws(DiskError) {
      return .success(try await device.flush())
    } catch {
      return .failure(error)
    }
  }

  /// Those who came meanwhile aren't served by the flush that has ended: one of them leads the rest.
  private func passOn() {
    let waiting = state.withLock { state in
      defer { state.waiting = [] }
      state.isFlushing = !state.waiting.isEmpty
      return state.waiting
    }
    waiting.first?.resume(returning: .lead(Array(waiting.dropFirst())))
  }
}
