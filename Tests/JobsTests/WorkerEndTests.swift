import Catalog
import Model
import TestSupport
import Testing

@testable import Jobs

/// How jobs end, and what is written then.
@Suite(.scratchDirectory, .timeLimit(.minutes(2)))
struct WorkerEndTests {
  @Test func `a result, what comes with it, the hold and the audit row are one transaction`()
    async throws
  {
    let bench = try Bench()
    let vps = try await bench.fixture.vps(of: bench.fixture.client())
    let backup = try await bench.fixture.backup(of: vps)
    let job = try await bench.fixture.job(of: vps)
    try await bench.catalog.write { try $0.insertHold(backup: backup.id, job: job.id) }
    let worker = bench.worker { job, _, _ in
      .completed(Bench.result(of: job)) { try $0.deleteBackup(backup.id) }
    }
    // The hold is still there when `also` runs, so the backup can't go: nothing of it may stay.
    let ended = try await bench.finishing(worker, job)
    #expect(ended.state == .failed)
    #expect(ended.failure?.left == .needsOperator)
    #expect(ended.result == nil)
    try await bench.catalog.read { transaction throws in
      #expect(try transaction.backup(backup.id) != nil)
      #expect(try transaction.holders(of: backup.id).isEmpty)
      #expect(try transaction.auditEntries(limit: 9).map(\.action) == ["job.failed"])
    }
  }

  @Test func `a backup that was seen at work doesn't keep its VPS busy when it has ended`()
    async throws
  {
    let bench = try Bench()
    let vps = try await bench.fixture.vps(of: bench.fixture.client())
    let job = try await bench.fixture.job(of: vps)
    let seen = Observation(
      observedAt: bench.clock.now(),
      powerState: .running,
      activity: .backup
    )
    try await bench.catalog.write { try $0.setObservation(seen, of: vps.id) }
    _ = try await bench.finishing(
      bench.worker { job, _, _ in .completed(Bench.result(of: job)) { _ in } },
      job
    )
    let after = try await bench.catalog.read { try $0.vps(vps.id) }
    #expect(after?.observation?.activity == DomainActivity.none)
  }

  @Test(arguments: [
    (LeftState.needsOperator, true), (.rolledBack, false), (.untouched, false),
  ])
  func `what a restore read stays held while an operator must look at its target`(
    _ left: LeftState,
    _ isHeld: Bool
  ) async throws {
    let bench = try Bench()
    let vps = try await bench.fixture.vps(of: bench.fixture.client())
    let backup = try await bench.fixture.backup(of: vps)
    var made = bench.fixture.unstoredJob(of: vps)
    made.task = .restore(RestoreTask(sourceVPSID: vps.id, backupID: backup.id))
    let job = made
    try await bench.catalog.write { transaction in
      try transaction.insert(job)
      try transaction.insertHold(backup: backup.id, job: job.id)
    }
    let worker = bench.worker { _, _, _ in
      .failed(JobFailure(code: .internalError, detail: "?", left: left), also: { _ in })
    }
    let ended = try await bench.finishing(worker, job)
    #expect(ended.needsOperator == isHeld)
    #expect(try await bench.catalog.read { try $0.holders(of: backup.id) }.isEmpty == !isHeld)
  }

  @Test(arguments: [RestoreStrategy.inPlace, .staged], [true, false])
  func `a job that failed keeps its hold only for an in-place undo that is there`(
    _ strategy: RestoreStrategy,
    hasUndo: Bool
  ) async throws {
    let bench = try Bench()
    let vps = try await bench.fixture.vps(of: bench.fixture.client())
    let backup = try await bench.fixture.backup(of: vps)
    var job = bench.fixture.unstoredJob(of: vps)
    job.task = .restore(
      RestoreTask(sourceVPSID: vps.id, backupID: backup.id, strategy: strategy)
    )
    let restore = job
    let undo = UndoRecord(
      vpsID: vps.id,
      restoreJobID: restore.id,
      until: .never,
      detail: "{}",
      sizeBytes: 0
    )
    try await bench.catalog.write { transaction throws in
      try transaction.insert(restore)
      try transaction.insertHold(backup: backup.id, job: restore.id)
      if hasUndo { try transaction.insert(undo) }
    }
    let worker = bench.worker { _, _, _ in
      .failed(JobFailure(code: .internalError, detail: "?", left: .rolledBack), also: { _ in })
    }
    let ended = try await bench.finishing(worker, restore)
    #expect(ended.state == .failed)
    let holders = try await bench.catalog.read { try $0.holders(of: backup.id) }
    #expect(holders == (strategy == .inPlace && hasUndo ? [restore.id] : []))
  }

  @Test func `a completed job has its result, all of its progress and its effects`() async throws {
    let bench = try Bench()
    let vps = try await bench.fixture.vps(of: bench.fixture.client())
    let backup = try await bench.fixture.backup(of: vps, state: .creating)
    let job = try await bench.fixture.job(of: vps)
    try await bench.catalog.write { try $0.insertHold(backup: backup.id, job: job.id) }
    let worker = bench.worker { job, context, _ in
      context.report(JobProgress(step: "read", bytesDone: 5, bytesTotal: 9, percent: 60))
      return .completed(Bench.result(of: job)) { transaction in
        var complete = backup
        complete.state = .complete
        try transaction.update(complete)
      }
    }
    let ended = try await bench.finishing(worker, job)
    #expect(ended.state == .completed)
    #expect(ended.result == Bench.result(of: job))
    #expect(ended.failure == nil)
    #expect(ended.attempts == 1)
    #expect(ended.finishedAt != nil)
    #expect(ended.progress.percent == 100)
    #expect(ended.progress.bytesDone == 5)
    try await bench.catalog.read { transaction throws in
      #expect(try transaction.backup(backup.id)?.state == .complete)
      #expect(try transaction.holders(of: backup.id).isEmpty)
      let entry = try #require(try transaction.auditEntries(limit: 9).first)
      #expect(entry.actor == "worker:local")
      #expect(entry.action == "job.completed")
      #expect(entry.subject == job.id.text)
    }
  }

  @Test(arguments: [JobState.failed, .cancelled])
  func `a job that didn't end well keeps why`(_ state: JobState) async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    let worker = bench.worker { _, _, _ in
      state == .failed ? .failed(failure, also: { _ in }) : .cancelled(failure, also: { _ in })
    }
    let ended = try await bench.finishing(worker, job)
    #expect(ended.state == state)
    #expect(ended.failure == failure)
    #expect(ended.result == nil)
  }

  @Test func `a kind of job that nobody does has failed`() async throws {
    let bench = try Bench()
    let vps = try await bench.fixture.vps(of: bench.fixture.client())
    var job = bench.fixture.unstoredJob(of: vps)
    job.task = .undo(UndoTask(restoreJobID: job.id))
    let undo = job
    try await bench.catalog.write { try $0.insert(undo) }
    let ended = try await bench.finishing(bench.worker { job, _, _ in Bench.completed(job) }, undo)
    #expect(ended.failure?.code == .internalError)
  }

  @Test func `a job is tried again, later and later, until its attempts are used up`() async throws
  {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    let (times, lasts) = (Notes<Timestamp>(), Notes<Bool>())
    let clock = bench.clock
    let worker = bench.worker(attempts: 3) { _, _, isLast in
      times.add(clock.now())
      lasts.add(isLast)
      return .retry(failure)
    }
    let ended = try await bench.finishing(worker, job)
    #expect(ended.state == .failed)
    #expect(ended.attempts == 3)
    #expect(ended.failure?.code == .hostStorageFull)
    #expect(ended.failure?.isTransient == false)
    #expect(lasts.all == [false, false, true])
    let waits = zip(times.all, times.all.dropFirst()).map { $1.milliseconds - $0.milliseconds }
    #expect(waits.count == 2)
    for (wait, least) in zip(waits, [1000, 2000] as [Int64]) { #expect(wait >= least) }
  }

  @Test func `a waiting job shows why it waits`() async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    try await bench.running(bench.worker { _, _, _ in .retry(failure) }) {
      try await eventually { try await bench.fixture.stored(job.id).state == .waiting }
    }
    #expect(try await bench.fixture.stored(job.id).failure == failure)
  }

  @Test func `what is begun and not put right gets more attempts, then an operator`() async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    let lasts = Notes<Bool>()
    let worker = bench.worker(attempts: 2) { _, context, isLast in
      lasts.add(isLast)
      do throws(JobInterruption) {
        try await context.record("swap", .begun, detail: ["a": 1])
      } catch {
        return .leaseLost
      }
      return .retry(failure)
    }
    let ended = try await bench.finishing(worker, job)
    #expect(lasts.all == [false, true, true, true, true])
    #expect(ended.attempts == 5)
    #expect(ended.failure?.left == .needsOperator)
  }

  @Test(arguments: [
    // Claims by workers that died, then what the living one does.
    (3, true, JobState.completed), (5, true, .completed), (6, false, .failed),
  ])
  func `after dead workers a handler may put things right, but not for ever`(
    _ dead: Int,
    _ isCalled: Bool,
    _ state: JobState
  ) async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    for number in 1...dead {
      let lease = try #require(try await bench.fixture.claim("\(number)"))
      let now = bench.clock.now()
      _ = try await bench.catalog.write {
        try $0.appendStep(name: "s", phase: .begun, detail: "{}", at: now, lease: lease)
      }
      bench.clock.advance(by: Limits.leaseDuration)
    }
    let lasts = Notes<Bool>()
    let worker = bench.worker(attempts: 3) { job, _, isLast in
      lasts.add(isLast)
      return Bench.completed(job)
    }
    let ended = try await bench.finishing(worker, job)
    #expect(lasts.all == (isCalled ? [true] : []))
    #expect(ended.state == state)
    if !isCalled {
      #expect(ended.failure?.code == .workerLost)
      #expect(ended.failure?.left == .needsOperator)
    }
  }

  @Test func `an outcome is offered to a busy catalog again`() async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    let flaky = FlakyCatalog(bench.catalog)
    let worker = bench.worker(catalog: flaky) { job, _, _ in
      flaky.failWrites(3)
      return Bench.completed(job)
    }
    #expect(try await bench.finishing(worker, job).state == .completed)
    #expect(flaky.failed == 3)
  }
}
