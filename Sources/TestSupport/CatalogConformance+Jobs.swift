import Catalog
import Model
import Testing

extension CatalogConformance {
  static let queue: [Rule] = [
    Rule("everything of a job comes back") { fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      var job = fixture.unstoredJob(of: vps)
      job.task = .restore(
        RestoreTask(sourceVPSID: vps.id, backupID: fixture.identifiers.make(), startsWhenOff: true)
      )
      job.limits = JobLimits(bytesPerSecond: 1 << 20, ioPriority: .idle)
      job.progress = JobProgress(step: "stage", bytesDone: 1, bytesTotal: 2, percent: 50)
      let full = job
      try await fixture.catalog.write { try $0.insert(full) }
      #expect(try await fixture.stored(full.id) == full)
    },
    Rule("a VPS has one unfinished job") { fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      let first = try await fixture.job(of: vps)
      let second = fixture.unstoredJob(of: vps)
      await #expect(throws: CatalogFault.failed(.constraint(.unfinishedJob))) {
        try await fixture.catalog.write { try $0.insert(second) }
      }
      #expect(
        try await fixture.catalog.read { try $0.unfinishedJob(of: vps.id, class: .data) } == first
      )
      #expect(
        try await fixture.catalog.read { try $0.unfinishedJob(of: vps.id, class: .power) } == nil
      )
      let lease = try #require(try await fixture.claim())
      try await fixture.catalog.write { transaction throws in
        #expect(try CatalogFixture.fail(lease, transaction))
        try transaction.insert(second)
      }
    },
    Rule("an unfinished job's limits can be changed, an ended one's can't") {
      fixture async throws in
      let job = try await fixture.job()
      let limits = JobLimits(bytesPerSecond: 5, ioPriority: .low)
      let lease = try #require(try await fixture.claim())
      try await fixture.catalog.write { transaction throws in
        #expect(try transaction.setLimits(limits, of: job.id))
        #expect(try transaction.job(job.id)?.limits == limits)
        _ = try transaction.finish(
          lease,
          state: .failed,
          result: nil,
          failure: testFailure,
          at: .epoch
        )
        #expect(try !transaction.setLimits(JobLimits(), of: job.id))
        #expect(try transaction.job(job.id)?.limits == limits)
      }
    },
    Rule("jobs are listed by filter, newest first") { fixture async throws in
      let (acme, other) = (try await fixture.client("acme"), try await fixture.client("other"))
      let (one, two) = (try await fixture.vps(of: acme), try await fixture.vps(of: acme))
      let third = try await fixture.vps(of: other)
      let old = try await fixture.job(of: one)
      let lease = try #require(try await fixture.claim())
      _ = try await fixture.catalog.write {
        try $0.finish(lease, state: .failed, result: nil, failure: testFailure, at: .epoch)
      }
      let ended = try await fixture.stored(old.id)
      let middle = try await fixture.job(of: two, after: .seconds(1))
      let new = try await fixture.job(of: third, after: .seconds(2))
      let lists: [(JobFilter, [Job])] = [
        (JobFilter(), [new, middle, ended]),
        (JobFilter(limit: 2), [new, middle]),
        (JobFilter(clientID: acme.id), [middle, ended]),
        (JobFilter(vpsID: two.id), [middle]),
        (JobFilter(states: [.failed, .completed]), [ended]),
        (JobFilter(clientID: acme.id, states: [.queued]), [middle]),
      ]
      for (filter, expected) in lists {
        #expect(try await fixture.catalog.read { try $0.jobs(filter) } == expected, "\(filter)")
      }
    },
    Rule("unfinished jobs are counted by kind and state") { fixture async throws in
      #expect(try await fixture.catalog.read { try $0.unfinishedCounts() } == [])
      let client = try await fixture.client()
      let first = try await fixture.job(of: fixture.vps(of: client))
      let second = try await fixture.job(of: fixture.vps(of: client), after: .seconds(1))
      _ = try await fixture.job(of: fixture.vps(of: client), after: .seconds(2))
      let lease = try #require(try await fixture.claim())
      #expect(
        try await fixture.catalog.read { try $0.unfinishedCounts() } == [
          JobCount(kind: .backup, state: .queued, count: 2, oldest: second.createdAt),
          JobCount(kind: .backup, state: .running, count: 1, oldest: first.createdAt),
        ]
      )
      _ = try await fixture.catalog.write {
        try $0.finish(lease, state: .failed, result: nil, failure: testFailure, at: .epoch)
      }
      #expect(try await fixture.catalog.read { try $0.unfinishedCounts() }.map(\.count) == [2])
    },
    Rule("the oldest job of the node is claimed first, and each once") { fixture async throws in
      let client = try await fixture.client()
      let (one, two) = (try await fixture.vps(of: client), try await fixture.vps(of: client))
      let away = try await fixture.vps(of: client, node: "away")
      _ = try await fixture.job(of: away)
      let younger = try await fixture.job(of: one, after: .seconds(1))
      let older = try await fixture.job(of: two)
      #expect(try await fixture.claim("a")?.jobID == older.id)
      #expect(try await fixture.claim("b")?.jobID == younger.id)
      #expect(try await fixture.claim("c") == nil)
      let claimed = try await fixture.stored(older.id)
      #expect(claimed.state == .running)
      #expect(claimed.attempts == 1)
      #expect(claimed.startedAt == fixture.clock.now())
    },
    Rule("a cancel of an untouched job ends it, of a claimed or begun one it doesn't") {
      fixture async throws in
      let job = try await fixture.job()
      let lease = try #require(try await fixture.claim())
      let (now, failure) = (fixture.clock.now(), testFailure)
      try await fixture.catalog.write { transaction throws in
        #expect(try !transaction.cancelUnclaimed(job.id, failure: failure, at: now))
        #expect(
          try transaction.appendStep(
            name: "check",
            phase: .begun,
            detail: "{}",
            at: now,
            lease: lease
          ) == 1
        )
        #expect(try transaction.postpone(lease, until: now, failure: failure))
        #expect(try !transaction.cancelUnclaimed(job.id, failure: failure, at: now))
      }
      let untouched = try await fixture.job(of: fixture.vps(of: fixture.client("other")))
      try await fixture.catalog.write { transaction throws in
        #expect(try transaction.cancelUnclaimed(untouched.id, failure: failure, at: now))
        #expect(try !transaction.cancelUnclaimed(untouched.id, failure: failure, at: now))
      }
      let ended = try await fixture.stored(untouched.id)
      #expect(ended.state == .cancelled)
      #expect(ended.failure == failure)
      #expect(ended.finishedAt == now)
    },
    Rule("a cancel makes a waiting job due at once, and of an ended one it does nothing") {
      fixture async throws in
      let job = try await fixture.job()
      let first = try #require(try await fixture.claim("a"))
      let later = fixture.clock.now().advanced(by: .seconds(60))
      _ = try await fixture.catalog.write {
        try $0.postpone(first, until: later, failure: testFailure)
      }
      #expect(try await fixture.claim("b") == nil)
      try await fixture.catalog.write { try $0.requestCancel(job.id) }
      let second = try #require(try await fixture.claim("b"))
      #expect(try await fixture.stored(job.id).isCancelRequested)
      _ = try await fixture.catalog.write {
        try $0.finish(second, state: .cancelled, result: nil, failure: testFailure, at: .epoch)
      }
      try await fixture.catalog.write { try $0.requestCancel(job.id) }
      #expect(try await fixture.stored(job.id).state == .cancelled)
    },
  ]
}
