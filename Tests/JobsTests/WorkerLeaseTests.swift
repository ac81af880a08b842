import Catalog
import Disks
import Foundation
import Model
import TestSupport
import Testing

@testable import Jobs

/// Leases, locks and cancels while a job runs.
@Suite(.scratchDirectory, .timeLimit(.minutes(2)))
struct WorkerLeaseTests {
  @Test func `a lease is renewed as long as a job runs`() async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    let clock = bench.clock
    let worker = bench.worker { job, _, _ in
      await clock.timer.isAwake(after: Limits.leaseDuration * 4)
        ? Bench.completed(job) : .failed(failure, also: { _ in })
    }
    try await bench.running(worker) {
      for _ in 0..<Limits.leaseDuration.milliseconds * 4 / 1000 {
        // The worker's look at the queue, the handler, the lease's keeper.
        await clock.whenSleeping(3)
        clock.advance(by: .seconds(1))
      }
    }
    let ended = try await bench.fixture.stored(job.id)
    #expect(ended.state == .completed)
    #expect(ended.attempts == 1)
  }

  @Test func `who has lost the lease is cancelled and writes nothing more`() async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    let clock = bench.clock
    let (started, faults) = (Notes<Bool>(), Notes<JobInterruption>())
    let worker = bench.worker { job, context, _ in
      context.report(JobProgress(step: "read", percent: 40))
      started.add(true)
      await untilCancelled(clock)
      do throws(JobInterruption) {
        try await context.record("swap", .begun, detail: ["a": 1])
      } catch {
        faults.add(error)
      }
      do throws(JobInterruption) { try await context.confirmLease() } catch { faults.add(error) }
      return Bench.completed(job)
    }
    try await bench.running(worker) {
      try await eventually { !started.all.isEmpty }
      // Another worker of the node, as after a restart that this one has slept through.
      try await bench.catalog.write { try $0.releaseLeases(node: CatalogFixture.node) }
      let rival = try #require(try await bench.fixture.claim("rival"))
      try await bench.advance { faults.all.count == 2 }
      #expect(
        try await bench.catalog.write { try $0.renew(rival) } == .held(cancelRequested: false)
      )
    }
    #expect(faults.all == [.leaseLost, .leaseLost])
    let after = try await bench.fixture.stored(job.id)
    #expect(after.state == .running)
    #expect(after.attempts == 2)
    #expect(after.progress.percent < 100)
    #expect(try await bench.catalog.read { try $0.steps(of: job.id) }.isEmpty)
  }

  @Test func `a job that was overtaken is ended at the next look, not with the next renewal`()
    async throws
  {
    let bench = try Bench()
    let vps = try await bench.fixture.vps(of: bench.fixture.client())
    var made = bench.fixture.unstoredJob(of: vps)
    made.task = .power(PowerTask(action: .shutdown))
    let (job, clock) = (made, bench.clock)
    try await bench.catalog.write { try $0.insert(job) }
    let (started, ended) = (Notes<Bool>(), Notes<Bool>())
    let worker = bench.worker { _, _, _ in
      started.add(true)
      await untilCancelled(clock)
      ended.add(true)
      return .failed(failure, also: { _ in })
    }
    let why = JobFailure(code: .jobCancelled, detail: "Overtaken.")
    try await bench.running(worker) {
      try await eventually { !started.all.isEmpty }
      let now = clock.now()
      #expect(try await bench.catalog.write { try $0.overtake(job.id, failure: why, at: now) })
      // The worker's look at the queue, the handler, the lease's keeper.
      await clock.whenSleeping(3)
      clock.advance(by: Limits.progressInterval)
      try await eventually { !ended.all.isEmpty }
    }
    #expect(try await bench.fixture.stored(job.id).failure == why)
  }

  @Test func `a running job learns that it is to be cancelled`() async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    let clock = bench.clock
    let started = Notes<Bool>()
    let worker = bench.worker { _, context, _ in
      started.add(true)
      while !context.isCancelRequested {
        guard await clock.timer.isAwake(after: .seconds(1)) else { return .leaseLost }
      }
      return .cancelled(failure, also: { _ in })
    }
    try await bench.running(worker) {
      try await eventually { !started.all.isEmpty }
      try await bench.catalog.write { try $0.requestCancel(job.id) }
      try await bench.advance(until: job.id, is: \.isFinal)
    }
    #expect(try await bench.fixture.stored(job.id).state == .cancelled)
  }

  @Test func `a running job learns what it may take of its host`() async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    let clock = bench.clock
    let seen = Notes<Int64?>()
    let worker = bench.worker { job, context, _ in
      seen.add(context.rate.bytesPerSecond)
      while context.ioPriority != .idle {
        guard await clock.timer.isAwake(after: .seconds(1)) else { return .leaseLost }
      }
      seen.add(context.rate.bytesPerSecond)
      return Bench.completed(job)
    }
    try await bench.running(worker) {
      try await eventually { !seen.all.isEmpty }
      _ = try await bench.catalog.write {
        try $0.setLimits(JobLimits(bytesPerSecond: 5, ioPriority: .idle), of: job.id)
      }
      try await bench.advance(until: job.id, is: \.isFinal)
    }
    #expect(seen.all == [nil, 5])
  }

  @Test func `a cancel that came before the claim is known from the start`() async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    try await bench.catalog.write { try $0.requestCancel(job.id) }
    let worker = bench.worker { job, context, _ in
      context.isCancelRequested ? .cancelled(failure, also: { _ in }) : Bench.completed(job)
    }
    #expect(try await bench.finishing(worker, job).state == .cancelled)
  }

  @Test func `the lease isn't confirmed when the VPS's lock file was taken away`() async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    let faults = Notes<JobInterruption?>()
    let path = "\(bench.locks)/\(job.vpsID).lock"
    let worker = bench.worker { job, context, _ in
      for isThere in [true, false] {
        if !isThere { try? FileManager.default.removeItem(atPath: path) }
        do throws(JobInterruption) {
          try await context.confirmLease()
          faults.add(nil)
        } catch {
          faults.add(error)
        }
      }
      return .leaseLost
    }
    try await bench.running(worker) { try await eventually { faults.all.count == 2 } }
    #expect(faults.all == [nil, .leaseLost])
  }

  @Test func `a VPS that another process has locked is left alone, others aren't`() async throws {
    let bench = try Bench()
    let client = try await bench.fixture.client()
    let locked = try await bench.fixture.job(of: bench.fixture.vps(of: client))
    let free = try await bench.fixture.job(
      of: bench.fixture.vps(of: client),
      after: .seconds(1)
    )
    try await HostLock.makeDirectory(bench.locks)
    let lock = try await HostLock.take("\(bench.locks)/\(locked.vpsID).lock")
    try await bench.running(bench.worker { job, _, _ in Bench.completed(job) }) {
      try await eventually { try await bench.fixture.stored(free.id).state == .completed }
      let resting = try await bench.fixture.stored(locked.id)
      #expect(resting.state == .waiting)
      #expect(resting.attempts == 0)
      lock.release()
      try await bench.advance(until: locked.id, is: \.isFinal)
    }
    #expect(try await bench.fixture.stored(locked.id).attempts == 1)
  }

  @Test func `progress is stored now and then, and never goes back`() async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    let clock = bench.clock
    let reported = Notes<Int>()
    let worker = bench.worker { job, context, _ in
      for percent in [10, 50, 30] {
        context.report(JobProgress(step: "read", percent: percent))
        reported.add(percent)
      }
      await untilCancelled(clock)
      return .leaseLost
    }
    try await bench.running(worker) {
      try await eventually { reported.all.count == 3 }
      #expect(try await bench.fixture.stored(job.id).progress.percent == 0)
      try await bench.advance { try await bench.fixture.stored(job.id).progress.percent == 50 }
      // The job would go on for ever.
      bench.events.send(.stop)
      bench.events.send(.drained)
    }
  }

  @Test func `a journal is there again in the next attempt`() async throws {
    let bench = try Bench()
    let job = try await bench.fixture.job()
    let seen = Notes<[String]>()
    let worker = bench.worker { job, context, _ in
      do throws(JobInterruption) {
        seen.add(try await context.journal().map { "\($0.sequence) \($0.name) \($0.detail)" })
        try await context.record("stage", .begun, detail: ["path": "/a/b"])
      } catch {
        return .leaseLost
      }
      return job.attempts == 1 ? .retry(failure) : Bench.completed(job)
    }
    #expect(try await bench.finishing(worker, job).state == .completed)
    #expect(seen.all == [[], [#"1 stage {"path":"/a/b"}"#]])
  }
}
