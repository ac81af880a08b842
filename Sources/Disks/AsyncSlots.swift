import Synchronization

/// A counting semaphore that suspends instead of blocking, first come, first served.
package final class AsyncSlots: Sendable {
  private struct State {
    var free: Int
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state: Mutex<State>

  /// Makes a semaphore with `count` free slots.
  package init(count: Int) {
    precondition(count > 0, "a semaphore without slots would never let anyone in")
    state = Mutex(State(free: count))
  }

  /// Takes a slot, waiting for one if all are taken.
  package func acquire() async {
    await withCheckedContinuation { continuation in
      let entered = state.withLock { state in
        guard state.free > 0 else {
          state.waiting.append(continuation)
          return false
        }
        state.free -= 1
        return true
      }
      if entered { continuation.resume() }
    }
  }

  /// Gives a slot back, to the one who has waited longest.
  package func release() {
    let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
      state.free += 1
      return nil
    }
    next?.resume()
  }
}
