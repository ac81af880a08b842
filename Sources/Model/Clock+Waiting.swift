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
