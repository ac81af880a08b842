import Disks
import Synchronization

/// The open connections of a session, so that they can be cut from outside.
final class SessionLines: Sendable {
  private struct State {
    var disks: [NBDDisk] = []
    var isCut = false
  }

  private let state = Mutex(State())

  /// Takes a disk that was opened.
  func add(_ disk: NBDDisk) {
    let isCut = state.withLock { state in
      state.disks.append(disk)
      return state.isCut
    }
    if isCut { disk.hangUp() }
  }

  /// Cuts all connections: whoever waits for an answer gets an error instead.
  func hangUp() {
    let disks = state.withLock { state in
      state.isCut = true
      return state.disks
    }
    for disk in disks { disk.hangUp() }
  }
}
