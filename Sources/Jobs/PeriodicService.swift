import ServiceLifecycle

/// Something that a process does at once and then at intervals, until it is told to end.
package struct PeriodicService: Service {
  private let work: PeriodicWork
  private let timer: any Clock<Duration>

  /// Makes a service of a work.
  package init(_ work: PeriodicWork, timer: any Clock<Duration> = ContinuousClock()) {
    self.work = work
    self.timer = timer
  }

  package func run() async throws {
    await cancelWhenGracefulShutdown { await work.run(timer) }
  }
}
