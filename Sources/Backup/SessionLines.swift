import Synchronization

/// The open connections of a session, so that they can be cut from outside.
final class SessionLines: Sendable {
  private struct State {
    var lines: [OpenedSource] = []
    var isCut = false
  }

  private let state = Mutex(State())

  /// Takes a disk that was opened.
  func add(_ line: OpenedSource) {
    let isCut = state.withLock { state in
      state.lines.append(line)
      return state.isCut
    }
    if isCut { line.hangUp() }
  }

  /// Cuts all connections: whoever waits for an answer gets an error instead.
  func hangUp() {
    let lines = state.withLock { state in
      state.isCut = true
      return state.lines
    }
    for line in lines { line.hangUp() }
  }
}
