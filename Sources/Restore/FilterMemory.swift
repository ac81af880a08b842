import Hypervisor
import Model
import Synchronization

/// Since when something has been so of filters that are looked at again and again.
///
/// Gone with the program: what begins anew lasts longer, which is the safe side.
final class FilterMemory: Sendable {
  /// What lasts.
  enum Spell: Hashable {
    /// The target runs.
    case running(String)
    /// The host doesn't know the target.
    case missing(String)
  }

  private struct State {
    var since: [Spell: Timestamp] = [:]
    var defined: [String: NetworkFilter] = [:]
  }

  private let state = Mutex(State())

  /// For how long it has been so.
  func length(of spell: Spell, isSo: Bool, at now: Timestamp) -> Duration {
    state.withLock { state in
      guard isSo else {
        state.since[spell] = nil
        return .zero
      }
      let since = state.since[spell] ?? now
      state.since[spell] = since
      return .milliseconds(now.milliseconds - since.milliseconds)
    }
  }

  /// Whether a filter is something else than it was last made.
  func isNew(_ filter: NetworkFilter) -> Bool {
    state.withLock { $0.defined[filter.name] != filter }
  }

  /// Notes what a filter was made.
  func note(_ filter: NetworkFilter) {
    state.withLock { $0.defined[filter.name] = filter }
  }

  /// Lets go of what is known of a filter.
  func forget(_ name: String) {
    state.withLock { state in
      state.since[.running(name)] = nil
      state.since[.missing(name)] = nil
      state.defined[name] = nil
    }
  }
}
