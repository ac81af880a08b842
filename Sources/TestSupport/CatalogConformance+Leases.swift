import Catalog
import Model
import Testing

extension CatalogConformance {
  static let leases: [Rule] = [
    Rule("a lease that has ended lets another claim, and the attempt counts") {
      fixture async throws in
      let job = try await fixture.job()
      _ = try #require(try await fixture.claim("a"))
      fixture.clock.advance(by: Limits.leaseDuration - .milliseconds(1))
      #expect(try await fixture.claim("b") == nil)
      fixture.clock.advance(by: .milliseconds(1))
      #expect(try await fixture.claim("b")?.jobID == job.id)
      #expect(try await fixture.stored(job.id).attempts == 2)
    },
    Rule("a renewed lease holds on, and tells of a cancel") { fixture async throws in
      let job = try await fixture.job()
      var lease = try #require(try await fixture.claim("a"))
      fixture.clock.advance(by: Limits.leaseDuration - .seconds(1))
      lease.until = fixture.clock.now().advanced(by: Limits.leaseDuration)
      let renewed = lease
      #expect(
        try await fixture.catalog.write { try $0.renew(renewed) } == .held(cancelRequested: false)
      )
      fixture.clock.advance(by: .seconds(2))
      #expect(try await fixture.claim("b") == nil)
      try await fixture.catalog.write { try $0.requestCancel(job.id) }
      #expect(
        try await fixture.catalog.write { try $0.renew(renewed) } == .held(cancelRequested: true)
      )
    },
    Rule("whoever has lost a lease can write nothing") { fixture async throws in
      let job = try await fixture.job()
      let lost = try #require(try await fixture.claim("a"))
      fixture.clock.advance(by: Limits.leaseDuration)
      let held = try #require(try await fixture.claim("b"))
      let before = try await fixture.stored(job.id)
      let now = fixture.clock.now()
      try await fixture.catalog.write { transaction throws in
        #expect(try transaction.renew(lost) == .lost)
        #expect(try !transaction.setProgress(JobProgress(percent: 99), lease: lost))
        #expect(
          try transaction.appendStep(
            name: "swap",
            phase: .begun,
            detail: "{}",
            at: now,
            lease: lost
          ) == nil
        )
        #expect(
          try !transaction.finish(
            lost,
            state: .failed,
            result: nil,
            failure: testFailure,
            at: now
          )
        )
        #expect(try !transaction.postpone(lost, until: now, failure: testFailure))
        #expect(try !transaction.giveBack(lost, until: now))
      }
      #expect(try await fixture.stored(job.id) == before)
      #expect(try await fixture.catalog.read { try $0.steps(of: job.id) }.isEmpty)
      #expect(
        try await fixture.catalog.write { try $0.renew(held) } == .held(cancelRequested: false)
      )
    },
    Rule("a job that has ended is nobody's any more") { fixture async throws in
      let job = try await fixture.job()
      let lease = try #require(try await fixture.claim("a"))
      let result = JobResult.backup(
        BackupResult(
          backupID: fixture.identifiers.make(),
          sizeBytes: 3,
          bytesRead: 2,
          bytesWritten: 1,
          bytesReused: 0,
          frozen: true,
          frozenMilliseconds: 5
        )
      )
      let now = fixture.clock.now()
      try await fixture.catalog.write { transaction throws in
        #expect(
          try transaction.finish(lease, state: .completed, result: result, failure: nil, at: now)
        )
        #expect(try transaction.renew(lease) == .lost)
        #expect(try !transaction.setProgress(JobProgress(percent: 1), lease: lease))
      }
      let ended = try await fixture.stored(job.id)
      #expect(ended.state == .completed)
      #expect(ended.result == result)
      #expect(ended.finishedAt == now)
      fixture.clock.advance(by: Limits.leaseDuration * 2)
      #expect(try await fixture.claim("b") == nil)
    },
    Rule("a job isn't finished with a state that isn't an end") { fixture async throws in
      _ = try await fixture.job()
      let lease = try #require(try await fixture.claim("a"))
      await #expect(throws: CatalogFault.self) {
        try await fixture.catalog.write {
          _ = try $0.finish(lease, state: .waiting, result: nil, failure: nil, at: .epoch)
        }
      }
    },
    Rule("a postponed job waits until it is due, and keeps why") { fixture async throws in
      let job = try await fixture.job()
      let lease = try #require(try await fixture.claim("a"))
      let due = fixture.clock.now().advanced(by: .seconds(4))
      #expect(
        try await fixture.catalog.write {
          try $0.postpone(lease, until: due, failure: testFailure)
        }
      )
      let waiting = try await fixture.stored(job.id)
      #expect(waiting.state == .waiting)
      #expect(waiting.failure == testFailure)
      #expect(try await fixture.claim("b") == nil)
      fixture.clock.advance(by: .seconds(4))
      #expect(try await fixture.claim("b") != nil)
      #expect(try await fixture.stored(job.id).attempts == 2)
    },
    Rule("a claim that is given back doesn't count, and rests for a while") {
      fixture async throws in
      let job = try await fixture.job()
      let lease = try #require(try await fixture.claim("a"))
      let due = fixture.clock.now().advanced(by: .seconds(1))
      #expect(try await fixture.catalog.write { try $0.giveBack(lease, until: due) })
      let rested = try await fixture.stored(job.id)
      #expect(rested.attempts == 0)
      #expect(rested.startedAt == nil)
      #expect(try await fixture.claim("b") == nil)
      fixture.clock.advance(by: .seconds(1))
      #expect(try await fixture.claim("b")?.jobID == job.id)
      #expect(try await fixture.stored(job.id).attempts == 1)
    },
    Rule("all leases of a node end at once, those of others don't") { fixture async throws in
      let client = try await fixture.client()
      let job = try await fixture.job(of: fixture.vps(of: client))
      let lost = try #require(try await fixture.claim("a"))
      try await fixture.catalog.write { try $0.releaseLeases(node: "away") }
      #expect(try await fixture.claim("b") == nil)
      try await fixture.catalog.write { try $0.releaseLeases(node: CatalogFixture.node) }
      #expect(try await fixture.catalog.write { try $0.renew(lost) } == .lost)
      #expect(try await fixture.claim("b")?.jobID == job.id)
      #expect(try await fixture.stored(job.id).attempts == 2)
    },
    Rule("progress is stored under a lease") { fixture async throws in
      let job = try await fixture.job()
      let lease = try #require(try await fixture.claim("a"))
      let progress = JobProgress(step: "read", bytesDone: 5, bytesTotal: 9, percent: 55)
      #expect(try await fixture.catalog.write { try $0.setProgress(progress, lease: lease) })
      #expect(try await fixture.stored(job.id).progress == progress)
    },
  ]

  static let journals: [Rule] = [
    Rule("a journal is kept in order, over all attempts") { fixture async throws in
      let job = try await fixture.job()
      let first = try #require(try await fixture.claim("a"))
      let now = fixture.clock.now()
      try await fixture.catalog.write { transaction throws in
        for (name, phase) in [("check", StepPhase.begun), ("check", .done)] {
          _ = try transaction.appendStep(
            name: name,
            phase: phase,
            detail: #"{"a":1}"#,
            at: now,
            lease: first
          )
        }
        _ = try transaction.postpone(first, until: now, failure: testFailure)
      }
      let second = try #require(try await fixture.claim("b"))
      let place = try await fixture.catalog.write {
        try $0.appendStep(name: "stage", phase: .failed, detail: "{}", at: now, lease: second)
      }
      #expect(place == 3)
      let expected = [
        JobStep(
          jobID: job.id,
          sequence: 1,
          name: "check",
          phase: .begun,
          detail: #"{"a":1}"#,
          at: now
        ),
        JobStep(
          jobID: job.id,
          sequence: 2,
          name: "check",
          phase: .done,
          detail: #"{"a":1}"#,
          at: now
        ),
        JobStep(jobID: job.id, sequence: 3, name: "stage", phase: .failed, detail: "{}", at: now),
      ]
      #expect(try await fixture.catalog.read { try $0.steps(of: job.id) } == expected)
    }
  ]
}
