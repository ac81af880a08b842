import Catalog
import Model
import Testing

extension CatalogConformance {
  static let standings: [Rule] = [
    Rule("a VPS is found by its first address, however it is written, and loses it with it") {
      fixture async throws in
      let client = try await fixture.client()
      let bare = try await fixture.vps(of: client, name: "bare")
      let addresses = ["192.0.2.7/24", "2001:db8::0:1/64", "::ffff:192.0.2.9/96"]
      var made: [VPS] = []
      for address in addresses {
        var vps = fixture.unstoredVPS(of: client)
        vps.network = try NetworkConfiguration(
          text: "version: 2\nethernets: {e0: {addresses: ['\(address)', '203.0.113.5/24']}}\n"
        )
        let new = vps
        try await fixture.catalog.write { try $0.insert(new) }
        made.append(vps)
      }
      for (text, expected) in [
        ("192.0.2.7", [made[0]]), ("2001:0DB8:0:0:0:0:0:1", [made[1]]), ("192.0.2.9", [made[2]]),
        ("203.0.113.5", []),
      ] {
        let filter = VPSFilter(clientID: client.id, primaryAddress: IPAddress(text))
        let found = try await fixture.catalog.read { try $0.listVPS(filter) }
        #expect(found == expected, "\(text)")
      }
      var moved = made[0]
      moved.network = nil
      let gone = moved
      try await fixture.catalog.write { try $0.update(gone) }
      let old = VPSFilter(primaryAddress: IPAddress("192.0.2.7"))
      #expect(try await fixture.catalog.read { try $0.listVPS(old) }.isEmpty)
      #expect(try await fixture.catalog.read { try $0.vps(bare.id) } == bare)
    },
    Rule("a name is found whatever the case of its letters, in any language") {
      fixture async throws in
      let client = try await fixture.client()
      for (name, asked) in [
        ("Straße", "STRASSE"), ("Caf\u{E9}", "cafe\u{301}"), ("ΟΔΟΣ", "οδος"), ("Ĳssel", "ĳSSEL"),
      ] {
        let vps = try await fixture.vps(of: client, name: name)
        let found = try await fixture.catalog.read { try $0.listVPS(VPSFilter(name: asked)) }
        #expect(found == [vps], "\(asked)")
      }
    },
    Rule("a standing tells the unfinished jobs and the backups that count") {
      fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      let other = try await fixture.vps(of: fixture.client("other"))
      let read = { @Sendable in
        try await fixture.catalog.read { try $0.standing(of: vps.id) }
      }
      #expect(try await read() == VPSStanding(backupsUsed: 0))
      for state in BackupState.allCases {
        _ = try await fixture.backup(of: vps, state: state)
      }
      _ = try await fixture.backup(of: other)
      _ = try await fixture.job(of: other)
      #expect(try await read() == VPSStanding(backupsUsed: 3))
      let counts = try await fixture.catalog.read { transaction throws in
        (
          try transaction.countBackups(of: vps.id, in: [.complete, .damaged]),
          try transaction.countBackups(of: vps.id, in: [])
        )
      }
      #expect(counts == (2, 0))
      let job = try await fixture.job(of: vps)
      #expect(try await read() == VPSStanding(dataJobID: job.id, backupsUsed: 3))
      let failure = testFailure
      let cancelled = try await fixture.catalog.write {
        try $0.cancelUnclaimed(job.id, failure: failure, at: .epoch)
      }
      #expect(cancelled)
      #expect(try await read() == VPSStanding(backupsUsed: 3))
    },
    Rule("a job that changed disks and needs an operator is told until it is settled") {
      fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      var failure = testFailure
      failure.left = .needsOperator
      let left = failure
      let restore = JobTask.restore(
        RestoreTask(sourceVPSID: vps.id, backupID: fixture.identifiers.make())
      )
      // A backup only reads: the next one may try.
      for task in [fixture.unstoredJob(of: vps).task, restore] {
        var job = fixture.unstoredJob(of: vps)
        job.task = task
        let new = job
        try await fixture.catalog.write { try $0.insert(new) }
        let lease = try #require(try await fixture.claim())
        let now = fixture.clock.now()
        _ = try await fixture.catalog.write {
          try $0.finish(lease, state: .failed, result: nil, failure: left, at: now)
        }
        let waits = task.changesDisks
        #expect(try await fixture.stored(new.id).needsOperator == waits)
        let found = try await fixture.catalog.read { transaction throws in
          (try transaction.standing(of: vps.id), try transaction.unsettledCount())
        }
        #expect(found.0 == VPSStanding(unsettledJobID: waits ? new.id : nil, backupsUsed: 0))
        #expect(found.1 == (waits ? 1 : 0))
        #expect(try await fixture.catalog.write { try $0.settle(new.id) } == waits)
        #expect(try await fixture.catalog.write { try $0.settle(new.id) } == false)
        #expect(try await fixture.stored(new.id).failure == left)
      }
      let after = try await fixture.catalog.read { try $0.standing(of: vps.id) }
      #expect(after == VPSStanding(backupsUsed: 0))
    },
    Rule("a power job is ended from outside, and its worker's lease with it") {
      fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      var made = fixture.unstoredJob(of: vps)
      made.task = .power(PowerTask(action: .shutdown))
      let (power, failure) = (made, testFailure)
      let data = try await fixture.job(of: vps)
      try await fixture.catalog.write { try $0.insert(power) }
      let now = fixture.clock.now()
      let lease = Lease(jobID: power.id, token: "power", until: now.advanced(by: .seconds(30)))
      _ = try await fixture.catalog.write {
        try $0.claimJob(
          node: CatalogFixture.node,
          classes: [.power],
          token: lease.token,
          now: now,
          leaseUntil: lease.until
        )
      }
      let done = try await fixture.catalog.write { transaction throws in
        (
          try transaction.overtake(power.id, failure: failure, at: now),
          try transaction.overtake(power.id, failure: failure, at: now),
          try transaction.overtake(data.id, failure: failure, at: now)
        )
      }
      #expect(done == (true, false, false))
      let ended = try await fixture.stored(power.id)
      #expect(ended.state == .cancelled && ended.failure == failure && ended.finishedAt == now)
      #expect(try await fixture.catalog.write { try $0.renew(lease) } == .lost)
      #expect(try await fixture.stored(data.id).state == .queued)
    },
    Rule("a key's successor is found") { fixture async throws in
      let client = try await fixture.client()
      func key(_ replaces: KeyID?) async throws -> KeyID {
        let key = APIKey(
          id: fixture.identifiers.make(),
          clientID: client.id,
          scopes: [.readVM],
          createdAt: fixture.clock.now(),
          replaces: replaces
        )
        try await fixture.catalog.write { try $0.insert(key, hash: Array(repeating: 1, count: 32)) }
        return key.id
      }
      let first = try await key(nil)
      let second = try await key(first)
      let found = try await fixture.catalog.read { transaction throws in
        (try transaction.successor(of: first), try transaction.successor(of: second))
      }
      #expect(found.0 == second)
      #expect(found.1 == nil)
    },
    Rule("the rows of a journal are found by their names, in order") { fixture async throws in
      let job = try await fixture.job()
      let lease = try #require(try await fixture.claim())
      try await fixture.catalog.write { transaction throws in
        for name in ["stop", "copy", "swap", "stop"] {
          _ = try transaction.appendStep(
            name: name,
            phase: .begun,
            detail: "{}",
            at: .epoch,
            lease: lease
          )
        }
      }
      let found = try await fixture.catalog.read {
        try $0.steps(of: job.id, named: ["swap", "stop", "none"])
      }
      #expect(found.map(\.sequence) == [1, 3, 4])
      #expect(try await fixture.catalog.read { try $0.steps(of: job.id, named: []) }.isEmpty)
    },
  ]
}
