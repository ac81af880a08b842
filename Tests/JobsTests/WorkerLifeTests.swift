import Catalog
import Model
import Synchronization
import TestSupport
import Testing

@testable import Jobs

/// A worker's start, end and loop.
@Suite(.scratchDirectory, .timeLimit(.minutes(2)))
struct WorkerLifeTests {
  @Test func `a node has one worker`() async throws {
    let bench = try Bench()
    let worker = bench.worker { job, _, _ in Bench.completed(job) }
    let path = "\(bench.locks)/node.lock"
    try await bench.running(worker) {
      await bench.clock.whenSleeping(1)
      await #expect(
        throws: WorkerFault.alreadyRunning(node: CatalogFixture.node, lockPath: path)
      ) {
        try await worker.run(WorkerEvents())
      }
    }
    // Its end lets the next one start.
    let next = WorkerEvents()
    next.send(.stop)
    try await worker.run(next)
  }

  @Test func `a job of a dead worker goes on at once`() async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    _ = try #require(try await bench.fixture.claim("dead"))
    try await bench.running(bench.worker { job, _, _ in Bench.completed(job) }) {
      try await eventually { try await bench.fixture.stored(job.id).state == .completed }
    }
    #expect(try await bench.fixture.stored(job.id).attempts == 2)
  }

  @Test func `what belongs to the start is done before the first job is taken`() async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    let notes = Notes<String>()
    let worker = bench.worker(
      startup: [{ @Sendable in notes.add("first") }, { @Sendable in notes.add("second") }]
    ) { job, _, _ in
      notes.add("job")
      return Bench.completed(job)
    }
    _ = try await bench.finishing(worker, job)
    #expect(notes.all == ["first", "second", "job"])
  }

  @Test func `periodic work is done at once and then at its intervals`() async throws {
    let bench = try Bench()
    let times = Notes<Timestamp>()
    let clock = bench.clock
    let start = clock.now()
    let worker = bench.worker(
      periodic: [PeriodicWork("look", every: .seconds(60)) { times.add(clock.now()) }]
    ) { job, _, _ in Bench.completed(job) }
    try await bench.running(worker) {
      try await bench.advance { times.all.count == 3 }
    }
    let offsets = times.all.map { $0.milliseconds - start.milliseconds }
    #expect(offsets.count == 3)
    for (offset, least) in zip(offsets, [0, 60_000, 120_000] as [Int64]) {
      #expect(offset >= least)
    }
  }

  @Test func `a graceful end lets running jobs end and takes no new ones`() async throws {
    let bench = try Bench()
    let client = try await bench.fixture.client()
    let first = try await bench.fixture.job(of: bench.fixture.vps(of: client))
    let second = try await bench.fixture.job(
      of: bench.fixture.vps(of: client),
      after: .seconds(1)
    )
    let started = Notes<JobID>()
    let events = bench.events
    let clock = bench.clock
    let worker = bench.worker(concurrency: 1) { job, _, _ in
      started.add(job.id)
      events.send(.stop)
      // The drain's own wait comes beside the queue's and the lease's: the end has begun.
      await clock.whenSleeping(3)
      return Bench.completed(job)
    }
    try await bench.running(worker) {
      try await eventually { try await bench.fixture.stored(first.id).state == .completed }
    }
    #expect(started.all == [first.id])
    #expect(try await bench.fixture.stored(second.id).state == .queued)
  }

  @Test(arguments: [false, true])
  func `what doesn't end in time is left to the next worker, unless it is done all the same`(
    _ isDone: Bool
  ) async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    let clock = bench.clock
    let (started, faults) = (Notes<Bool>(), Notes<JobInterruption>())
    let worker = bench.worker { job, context, _ in
      started.add(true)
      await untilCancelled(clock)
      do throws(JobInterruption) {
        try await context.record("discard", .begun, detail: ["a": 1])
      } catch {
        faults.add(error)
      }
      return isDone ? Bench.completed(job) : .failed(failure, also: { _ in })
    }
    try await bench.running(worker) {
      try await eventually { !started.all.isEmpty }
      bench.events.send(.stop)
      // The look at the queue, the handler, the lease's keeper, and the drain.
      await clock.whenSleeping(4)
      clock.advance(by: Worker.defaultDrainTime)
    }
    #expect(faults.all == [.leaseLost])
    let after = try await bench.fixture.stored(job.id)
    #expect(after.state == (isDone ? .completed : .running))
    #expect(after.failure == nil)
    #expect(try await bench.catalog.read { try $0.steps(of: job.id) }.isEmpty)
  }

  @Test func `a cancelled worker ends`() async throws {
    let bench = try Bench()
    _ = try await bench.fixture.job()
    let clock = bench.clock
    let started = Notes<Bool>()
    let worker = bench.worker { _, _, _ in
      started.add(true)
      await untilCancelled(clock)
      return .leaseLost
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await worker.run() }
      try await eventually { !started.all.isEmpty }
      group.cancelAll()
      try await group.waitForAll()
    }
  }

  @Test func `a thousand jobs are done once each, never more than allowed at a time`() async throws
  {
    let bench = try Bench()
    let client = try await bench.fixture.client()
    let (fixture, count) = (bench.fixture, 1000)
    let ids = try await bench.catalog.write { transaction in
      try transaction.upsertNode(name: CatalogFixture.node, uri: "test:///default")
      return try (0..<count).map { _ in
        let vps = fixture.unstoredVPS(of: client)
        let job = fixture.unstoredJob(of: vps)
        try transaction.insert(vps)
        try transaction.insert(job)
        return job.id
      }
    }
    let done = Notes<JobID>()
    let load = Load()
    let worker = bench.worker(concurrency: 8) { job, _, _ in
      load.enter()
      await Task.yield()
      done.add(job.id)
      load.leave()
      return Bench.completed(job)
    }
    try await bench.running(worker) {
      try await eventually { done.count == count }
    }
    let completed = try await fixture.catalog.read {
      try $0.jobs(JobFilter(states: [.completed], limit: count + 1))
    }
    #expect(Set(completed.map(\.id)) == Set(ids))
    #expect(done.all.count == count)
    #expect(Set(done.all) == Set(ids))
    #expect(load.most <= 8)
  }

  @Test func `how many jobs run at a time may change while one runs`() async throws {
    let bench = try Bench()
    let client = try await bench.fixture.client()
    let first = try await bench.fixture.job(of: bench.fixture.vps(of: client))
    let second = try await bench.fixture.job(
      of: bench.fixture.vps(of: client),
      after: .seconds(1)
    )
    let limit = Adjustable(1)
    let started = Notes<JobID>()
    let (events, clock) = (bench.events, bench.clock)
    let worker = bench.worker(limit: limit) { job, _, _ in
      started.add(job.id)
      if job.id == first.id {
        // Nothing is taken beside it until the limit allows it.
        events.send(.tick)
        try? await clock.timer.sleep(for: .seconds(1))
        #expect(started.count == 1)
        limit.set(2)
        events.send(.tick)
        try? await eventually { started.count == 2 }
      }
      return Bench.completed(job)
    }
    try await bench.running(worker) {
      await clock.whenSleeping(3)
      clock.advance(by: .seconds(1))
      try await eventually { try await bench.fixture.stored(second.id).state == .completed }
      try await eventually { try await bench.fixture.stored(first.id).state == .completed }
    }
    #expect(started.all == [first.id, second.id])
  }

  @Test func `a heart beats at its intervals`() async throws {
    let bench = try Bench()
    _ = try await bench.fixture.vps(of: bench.fixture.client())
    let heartbeat = Heartbeat(
      catalog: bench.catalog,
      node: CatalogFixture.node,
      clock: bench.clock,
      timer: bench.clock.timer,
      logger: .quiet
    )
    func beat() async throws -> Timestamp? {
      try await bench.catalog.read { try $0.node(CatalogFixture.node)?.heartbeatAt }
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await heartbeat.run() }
      for _ in 1...3 {
        await bench.clock.whenSleeping(1)
        #expect(try await beat() == bench.clock.now())
        bench.clock.advance(by: Limits.heartbeat)
      }
      group.cancelAll()
      try await group.waitForAll()
    }
  }
}

/// How many are in at once, and how many were.
private final class Load: Sendable {
  private let counts = Mutex((now: 0, most: 0))

  var most: Int { counts.withLock { $0.most } }

  func enter() {
    counts.withLock { counts in
      counts.now += 1
      counts.most = max(counts.most, counts.now)
    }
  }

  func leave() { counts.withLock { $0.now -= 1 } }
}
