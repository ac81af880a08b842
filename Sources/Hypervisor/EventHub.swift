import Synchronization

/// Hands each event to everyone who listens.
package final class EventHub: Sendable {
  private struct State {
    var nextIdentifier = 0
    var listeners: [Int: AsyncStream<DomainEvent>.Continuation] = [:]
  }

  private let state = Mutex(State())

  /// Makes a hub that nobody listens to yet.
  package init() {}

  deinit {
    state.withLock { state in
      for listener in state.listeners.values { listener.finish() }
    }
  }

  /// The events from now on.
  package func stream() -> AsyncStream<DomainEvent> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: DomainEvent.self,
      bufferingPolicy: .bufferingNewest(CallLimits.eventBuffer)
    )
    let identifier = state.withLock { state in
      state.nextIdentifier += 1
      state.listeners[state.nextIdentifier] = continuation
      return state.nextIdentifier
    }
    continuation.onTermination = { [weak self] _ in self?.remove(identifier) }
    return stream
  }

  /// Tells everyone who listens now.
  package func publish(_ event: DomainEvent) {
    let listeners = state.withLock { Array($0.listeners.values) }
    for listener in listeners { listener.yield(event) }
  }

  private func remove(_ identifier: Int) {
    _ = state.withLock { $0.listeners.removeValue(forKey: identifier) }
  }
}
