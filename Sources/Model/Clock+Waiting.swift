extension Clock<Duration> {
  /// Waits; false when the task was cancelled, so that waiting is over.
  package func isAwake(after duration: Duration) async -> Bool {
    do {
      try await sleep(for: duration)
      return !Task.isCancelled
    } catch {
      return false
    }
  }
}

/// Measures how long something takes, by a clock that is injected.
package struct Stopwatch: Sendable {
  private let read: @Sendable () -> Duration

  /// Begins to measure.
  package init(_ clock: any Clock<Duration>) {
    self.init(opening: clock)
  }

  private init(opening clock: some Clock<Duration>) {
    let start = clock.now
    read = { start.duration(to: clock.now) }
  }

  /// The time since it was made.
  package var elapsed: Duration { read() }
}
