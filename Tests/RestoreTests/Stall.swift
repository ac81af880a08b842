import Synchronization

/// Storage that hangs until somebody ends it.
final class Stall: Sendable {
  private struct State {
    var isOver = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  /// Whether somebody waits, or has waited.
  var isMet: Bool { state.withLock { $0.isOver || !$0.waiting.isEmpty } }

  /// Waits for its end, whatever becomes of the task.
  func wait() async {
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        if !state.isOver { state.waiting.append(continuation) }
        return state.isOver
      }
      if isOver { continuation.resume() }
    }
  }

  /// Lets all go on.
  func end() {
    let waiting = state.withLock { state in
      defer { state = State(isOver: true) }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}
