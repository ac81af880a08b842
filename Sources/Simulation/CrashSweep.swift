import Model

/// Lets something happen at every single effect of a job, once each: mostly that its worker dies.
package enum CrashSweep {
  /// A job, and those before it.
  package struct Route: Sendable {
    /// Whether the target runs.
    package let isRunning: Bool
    /// What is done before, with nothing happening.
    package let before: [Work]
    /// During what it happens.
    package let work: Work
    /// Whether the target first boots behind a network filter.
    package var isFiltered = false
    /// Whether the source's disks insist on its address.
    package var insists = false
    /// Whether that is a backup.
    package var makesBackup: Bool { Act(work).makesBackup }
  }

  /// The seeds of all of it: with one order of things each effect has its turn exactly once.
  private static func seed(of route: Route) -> UInt64 {
    switch (route.isFiltered, route.insists) {
    case (false, false): 5
    case (true, false): 8
    case (false, true): 6
    case (true, true): 13
    }
  }

  /// What happens at each effect.
  package static let happenings = [Happening.killed, .powerLost, .frozen, .hung(seconds: 100)]

  /// The jobs whose effects are gone through.
  package static let routes: [Route] = restores + filtered + insisting + backups

  private static let restores = [true, false].flatMap { isRunning in
    [RestoreStrategy.staged, .inPlace].flatMap { strategy in
      let restore = Work.restore(strategy, startsWhenOff: false)
      return [
        Route(isRunning: isRunning, before: [], work: restore),
        Route(isRunning: isRunning, before: [restore], work: .undo),
      ]
    }
  }

  private static let filtered = [RestoreStrategy.staged, .inPlace].map { strategy in
    Route(
      isRunning: true,
      before: [],
      work: .restore(strategy, startsWhenOff: false),
      isFiltered: true
    )
  }

  /// A disk whose links are set down, and those after it, whose links are up again.
  private static let insisting = [true, false].flatMap { isFiltered in
    let restore = Work.restore(.staged, startsWhenOff: false)
    return [
      Route(isRunning: true, before: [], work: restore, isFiltered: isFiltered, insists: true),
      Route(isRunning: true, before: [restore], work: .undo, isFiltered: isFiltered, insists: true),
    ]
  }

  /// A stopped VPS, one that runs, and one that runs with a backup to build on.
  private static let backups = [
    Route(isRunning: false, before: [], work: .backup(.target)),
    Route(isRunning: true, before: [], work: .backup(.target)),
    Route(isRunning: true, before: [.backup(.source)], work: .backup(.source)),
  ]

  /// Goes through a job's effects, from `first` on in strides.
  ///
  /// - Returns: How often it happened, and what was wrong then.
  package static func run(
    _ route: Route,
    _ happening: Happening,
    from first: Int = 1,
    by stride: Int = 1
  ) async throws -> (places: Int, complaints: [String]) {
    var complaints: [String] = []
    var places = 0
    var step = first
    while true {
      let report = try await SeedRun.run(
        seed(of: route),
        isRunning: route.isRunning,
        acts: route.before.map { Act($0) } + [Act(route.work, [Cued(.step(step), happening)])]
      )
      guard report.happenings > 0 else { return (places, complaints) }
      complaints += report.complaints.map {
        "\(route.work) \(route.isRunning ? "running" : "stopped"), \(happening) at \(step): \($0)"
      }
      places += 1
      step += stride
    }
  }
}
