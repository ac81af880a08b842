package import Catalog
package import CoreMetrics
import Disks
package import Logging
package import Model
import ServiceLifecycle

/// Takes a node's jobs from the catalog and has them done, some at a time.
///
/// There is one worker a node. What makes it so is a lock file on the node's host; with it held,
/// leases of this node that are still open are those of a worker that has died.
package struct Worker: Service {
  /// How long running jobs have to end after a graceful shutdown has begun.
  ///
  /// What doesn't end is left as it is, and the next worker goes on from its journal.
  package static let defaultDrainTime = Duration.seconds(30)

  let catalog: any Catalog
  let node: String
  let handlers: [JobKind: any JobHandler]
  let clock: any WallClock
  let timer: any Clock<Duration>
  let policy: AttemptPolicy
  let locksDirectory: String
  let logger: Logger
  let figures: WorkerFigures
  private let concurrency: Adjustable<Int>
  private let drainTime: Duration
  private let startup: [@Sendable () async -> Void]
  private let periodic: [PeriodicWork]

  /// Makes a worker.
  ///
  /// - Parameters:
  ///   - catalog: Where the jobs are.
  ///   - node: Whose jobs it does.
  ///   - handlers: Who does which kind of job.
  ///   - clock: The time of day, for leases.
  ///   - concurrency: How many data jobs run at the same time; at least one.
  ///   - attempts: How often a job is tried.
  ///   - locksDirectory: Where lock files are, on this host; made if need be.
  ///   - logger: Where it tells what it does.
  ///   - retryDelay: How long a job waits before it is tried again.
  ///   - drainTime: How long running jobs have to end at a graceful shutdown.
  ///   - timer: What it waits with.
  ///   - startup: What is done once, before the first job is taken.
  ///   - periodic: What is done beside the jobs.
  ///   - metrics: Where it is counted what it does.
  package init(
    catalog: any Catalog,
    node: String,
    handlers: [JobKind: any JobHandler],
    clock: any WallClock,
    concurrency: Adjustable<Int>,
    attempts: Int,
    locksDirectory: String,
    logger: Logger = Logger(label: "rehome.worker"),
    retryDelay: RetryDelay = RetryDelay(),
    drainTime: Duration = Worker.defaultDrainTime,
    timer: any Clock<Duration> = ContinuousClock(),
    startup: [@Sendable () async -> Void] = [],
    periodic: [PeriodicWork] = [],
    metrics: any MetricsFactory = NOOPMetricsHandler.instance
  ) {
    self.catalog = catalog
    self.node = node
    self.handlers = handlers
    self.clock = clock
    self.concurrency = concurrency
    policy = AttemptPolicy(attempts: max(1, attempts), delay: retryDelay)
    self.locksDirectory = locksDirectory
    self.logger = logger
    self.drainTime = drainTime
    self.timer = timer
    self.startup = startup
    self.periodic = periodic
    figures = WorkerFigures(metrics)
  }

  /// Works until it is told to end; throws `WorkerFault` when it can't start.
  package func run() async throws {
    let events = WorkerEvents()
    try await withGracefulShutdownHandler {
      try await run(events)
    } onGracefulShutdown: {
      events.send(.stop)
    }
  }

  func run(_ events: WorkerEvents) async throws(WorkerFault) {
    let lock = try await Self.lock(node, in: locksDirectory)
    defer { lock.release() }
    try await endOldLeases()
    for work in startup { await work() }
    logger.notice("worker started", metadata: ["node": "\(node)"])
    await withDiscardingTaskGroup { group in
      group.addTask(name: "queue poll") {
        repeat { events.send(.tick) } while await timer.isAwake(after: Limits.queuePoll)
      }
      for work in periodic {
        group.addTask(name: work.name) { await work.run(timer) }
      }
      await serve(events, in: &group)
      group.cancelAll()
    }
    logger.notice("worker ended", metadata: ["node": "\(node)"])
  }

  /// The loop: everything that changes what it does next is an event.
  private func serve(_ events: WorkerEvents, in group: inout DiscardingTaskGroup) async {
    var running: [JobClass: Int] = [:]
    var isStopping = false
    var isFailing = false
    for await event in events.stream {
      switch event {
      case .tick: break
      case .ended(let jobClass): running[jobClass, default: 0] -= 1
      case .drained: return
      case .stop:
        guard !isStopping else { break }
        isStopping = true
        logger.notice("worker stopping", metadata: ["running": "\(running.values.reduce(0, +))"])
        group.addTask(name: "drain") {
          if await timer.isAwake(after: drainTime) { events.send(.drained) }
        }
      }
      if isStopping, running.values.allSatisfy({ $0 == 0 }) { return }
      do throws(CatalogFault) {
        while !isStopping, let claim = try await claim(free(beside: running)) {
          let jobClass = claim.job.task.jobClass
          running[jobClass, default: 0] += 1
          group.addTask(name: claim.job.id.text) {
            await attempt(claim)
            events.send(.ended(jobClass))
          }
        }
        isFailing = false
      } catch {
        if !isFailing { logger.error("jobs not claimed", metadata: ["error": "\(error)"]) }
        isFailing = true
      }
    }
  }

  /// The classes of which one more job may run: hours of data never keep a power action waiting.
  private func free(beside running: [JobClass: Int]) -> Set<JobClass> {
    Set(
      JobClass.allCases.filter { jobClass in
        let limit =
          switch jobClass {
          case .data: max(1, concurrency.value)
          case .power: Limits.powerConcurrency
          }
        return running[jobClass, default: 0] < limit
      }
    )
  }

  /// Refuses what would meet another worker of the node on this host, before it touches what that one
  /// uses; a worker takes the lock itself when it runs.
  package static func requireNone(
    of node: String,
    locksDirectory: String
  ) async throws(WorkerFault) {
    try await lock(node, in: locksDirectory).release()
  }

  private static func lock(
    _ node: String,
    in locksDirectory: String
  ) async throws(WorkerFault) -> HostLock {
    do {
      try await HostLock.makeDirectory(locksDirectory)
    } catch {
      throw .locks(path: locksDirectory, reason: "\(error)")
    }
    let path = "\(locksDirectory)/node.lock"
    let end = ContinuousClock.now + Limits.nodeLockPatience
    while true {
      do throws(RecordLock.Failure) {
        return try await HostLock.take(path)
      } catch .busy {
        // A child that a worker has forked before it died holds it until it is another program.
        guard ContinuousClock.now < end, !Task.isCancelled else {
          throw .alreadyRunning(node: node, lockPath: path)
        }
        // Cancelled, it returns at once and the condition above ends the loop.
        try? await Task.sleep(for: .milliseconds(20))
      } catch {
        throw .locks(path: locksDirectory, reason: "\(error)")
      }
    }
  }

  private func endOldLeases() async throws(WorkerFault) {
    let node = node
    do throws(CatalogFault) {
      try await catalog.write { try $0.releaseLeases(node: node) }
    } catch {
      switch error {
      case .failed(let error): throw .catalog(error)
      case .refused(let refusal): throw .catalog(.failed("refused: \(refusal.code)"))
      }
    }
  }
}
