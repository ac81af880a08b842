import Catalog
import Model
import Monitoring
import Synchronization
import TestSupport
import Testing

@testable import Jobs

/// Does jobs as a test says.
struct ScriptedHandler: JobHandler {
  let body: @Sendable (Job, JobContext, Bool) async -> JobOutcome

  func run(_ job: Job, context: JobContext, isLastAttempt: Bool) async -> JobOutcome {
    await body(job, context, isLastAttempt)
  }
}

/// A worker of a real catalog whose time the test moves.
struct Bench: Sendable {
  let fixture: CatalogFixture
  let events = WorkerEvents()

  var catalog: any Catalog { fixture.catalog }
  var clock: ManualClock { fixture.clock }
  var locks: String { "\(ScratchDirectory.path)/locks" }

  init() throws {
    fixture = CatalogFixture(
      catalog: try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite")
    )
  }

  func worker(
    catalog: (any Catalog)? = nil,
    concurrency: Int = 2,
    limit: Adjustable<Int>? = nil,
    attempts: Int = 3,
    startup: [@Sendable () async -> Void] = [],
    periodic: [PeriodicWork] = [],
    metrics: MetricRegistry = MetricRegistry(),
    _ body: @escaping @Sendable (Job, JobContext, Bool) async -> JobOutcome
  ) -> Worker {
    Worker(
      catalog: catalog ?? fixture.catalog,
      node: CatalogFixture.node,
      handlers: [
        .backup: ScriptedHandler(body: body), .restore: ScriptedHandler(body: body),
        .power: ScriptedHandler(body: body),
      ],
      clock: clock,
      concurrency: limit ?? Adjustable(concurrency),
      attempts: attempts,
      locksDirectory: locks,
      logger: .quiet,
      timer: clock.timer,
      startup: startup,
      periodic: periodic,
      metrics: metrics
    )
  }

  /// Runs a worker for the length of `body` and ends it gracefully.
  func running(_ worker: Worker, _ body: () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await worker.run(events) }
      do {
        try await body()
      } catch {
        group.cancelAll()
        throw error
      }
      events.send(.stop)
      try await group.waitForAll()
    }
  }

  /// Runs a worker until a job has come to its end.
  func finishing(_ worker: Worker, _ job: Job) async throws -> Job {
    try await running(worker) { try await advance(until: job.id, is: \.isFinal) }
    return try await fixture.stored(job.id)
  }

  /// Moves the time on while the worker idles, until a job is in a state.
  func advance(until id: JobID, is condition: (JobState) -> Bool) async throws {
    try await advance { condition(try await fixture.stored(id).state) }
  }

  /// Moves the time on while the worker idles, until something is so.
  func advance(until condition: () async throws -> Bool) async throws {
    try await eventually {
      if try await condition() { return true }
      // The worker waits for its next look, and what it has written so far is written: or else its
      // leases would end while the disk is busy.
      await clock.whenSleeping(1)
      try await catalog.write { _ in }
      clock.advance(by: Limits.queuePoll)
      return false
    }
  }

  /// The job's result, for handlers that have none to tell.
  static func result(of job: Job) -> JobResult {
    guard case .backup(let task) = job.task else { preconditionFailure("the bench's jobs are") }
    return .backup(
      BackupResult(
        backupID: task.backupID,
        sizeBytes: 0,
        bytesRead: 0,
        bytesWritten: 0,
        bytesReused: 0,
        frozen: false,
        frozenMilliseconds: 0
      )
    )
  }

  static func completed(_ job: Job) -> JobOutcome {
    .completed(result(of: job), also: { _ in })
  }
}

/// Looks again and again, because threads and files have their own time; bounded.
func eventually(_ condition: () async throws -> Bool) async throws {
  let clock = ContinuousClock()
  let end = clock.now + .seconds(30)
  while clock.now < end {
    if try await condition() { return }
    await Task.yield()
  }
  throw WaitedInVain()
}

struct WaitedInVain: Error {}

/// Why a job of a test failed.
let failure = JobFailure(code: .hostStorageFull, detail: "Full.", isTransient: true)

/// What several tasks put down, in order.
final class Notes<Value: Sendable>: Sendable {
  private let values = Mutex<[Value]>([])

  var all: [Value] { values.withLock { $0 } }

  var count: Int { values.withLock { $0.count } }

  func add(_ value: Value) { values.withLock { $0.append(value) } }
}

/// Waits until the task is cancelled.
func untilCancelled(_ clock: ManualClock) async {
  do {
    try await clock.timer.sleep(for: .seconds(1_000_000))
  } catch {
    // That is what was waited for.
  }
}
