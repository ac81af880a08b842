import Synchronization

/// A setting that may change while what obeys it runs.
package final class Adjustable<Value: Sendable>: Sendable {
  private let state: Mutex<Value>

  /// Begins with a value.
  package init(_ value: Value) {
    state = Mutex(value)
  }

  /// The setting as it is now.
  package var value: Value { state.withLock { $0 } }

  /// Changes it for all who look from now on.
  package func set(_ value: Value) {
    state.withLock { $0 = value }
  }
}
