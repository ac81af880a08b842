import Model
import Synchronization

/// What a catalog was at some moment: it stays the same until anybody, in whatever process, writes.
///
/// Of use for nothing but being compared within one process.
package struct CatalogVersion: Sendable, Hashable {
  let number: Int64
}

/// What was read of a catalog, for as long as nothing was written into it.
///
/// The rule of invalidation is the whole of it: every value was read after the catalog was seen at
/// the version it is kept under, and is given out only to who has seen that version again, later.
/// So nobody gets what a fresh read begun after his own look couldn't have given him, and one write
/// of anything by anybody ends all.
package final class KeptReads<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct State {
    var version: CatalogVersion?
    var values: [Key: Value] = [:]
  }

  private let capacity: Int
  private let state = Mutex(State())

  /// Makes an empty one.
  ///
  /// - Parameter capacity: How many values are kept; with one more all are forgotten.
  package init(capacity: Int = Limits.keptReads) {
    self.capacity = capacity
  }

  /// What is kept under a version; nil when nothing is, or the version isn't known.
  package func value(of key: Key, at version: CatalogVersion?) -> Value? {
    guard let version else { return nil }
    return state.withLock { $0.version == version ? $0.values[key] : nil }
  }

  /// Keeps what was read after the catalog was seen at a version.
  package func keep(_ value: Value, of key: Key, at version: CatalogVersion?) {
    guard let version else { return }
    state.withLock { state in
      if state.version != version || state.values.count >= capacity {
        state.version = version
        state.values.removeAll(keepingCapacity: true)
      }
      state.values[key] = value
    }
  }
}
