import Model

/// Lets every single effect of a job be the last one of its worker, once each.
package enum CrashSweep {
  /// A job, and those before it.
  package struct Route: Sendable {
    /// Whether the target runs.
    package let isRunning: Bool
    /// What is done before, with nothing happening.
    package let before: [Work]
    /// During what the worker dies.
    package let work: Work
  }

  /// The seed of all of it: with one order of things each effect has its turn exactly once.
  private static let seed: UInt64 = 5

  /// The jobs whose effects are gone through.
  package static let routes: [Route] = [true, false].flatMap { isRunning in
    [RestoreStrategy.staged, .inPlace].flatMap { strategy in
      let restore = Work.restore(strategy, startsWhenOff: false)
      return [
        Route(isRunning: isRunning, before: [], work: restore),
        Route(isRunning: isRunning, before: [restore], work: .undo),
      ]
    }
  }

  /// Goes through a job's effects, from `first` on in strides.
  ///
  /// - Returns: How often a worker died, and what was wrong then.
  package static func run(
    _ route: Route,
    _ end: Happening,
    from first: Int = 1,
    by stride: Int = 1
  ) async throws -> (places: Int, complaints: [String]) {
    var complaints: [String] = []
    var places = 0
    var step = first
    while true {
      let report = try await SeedRun.run(
        seed,
        isRunning: route.isRunning,
        acts: route.before.map { Act($0) } + [Act(route.work, [Cued(.step(step), end)])]
      )
      guard report.crashes > 0 else { return (places, complaints) }
      complaints += report.complaints.map {
        "\(route.work) \(route.isRunning ? "running" : "stopped"), \(end) at \(step): \($0)"
      }
      places += 1
      step += stride
    }
  }
}
