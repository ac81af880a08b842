import Model

/// Something that a worker does beside its jobs, at once and then at intervals.
package struct PeriodicWork: Sendable {
  let name: String
  let interval: Duration
  let body: @Sendable () async -> Void

  /// Makes a work whose turns are `interval` apart, from the end of one to the start of the next.
  package init(
    _ name: String,
    every interval: Duration,
    _ body: @escaping @Sendable () async -> Void
  ) {
    self.name = name
    self.interval = interval
    self.body = body
  }

  /// Runs it until the task is cancelled.
  func run(_ timer: any Clock<Duration>) async {
    repeat { await body() } while await timer.isAwake(after: interval)
  }
}
