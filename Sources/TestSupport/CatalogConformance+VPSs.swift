import Catalog
import Model
import Testing

extension CatalogConformance {
  static let vpss: [Rule] = [
    Rule("everything of a VPS comes back, but its observation only from the worker") {
      fixture async throws in
      let client = try await fixture.client()
      var vps = try await fixture.vps(of: client)
      vps.name = "new"
      vps.hostname = "new.example"
      vps.serviceStatus = .suspended
      vps.network = try NetworkConfiguration(
        text: "version: 2\nethernets:\n  eth0:\n    addresses: [192.0.2.7/24]\n"
      )
      vps.userData = "#cloud-config\n"
      vps.adoptedSeedPath = "/seed.iso"
      vps.backupLimit = 7
      let changed = vps
      try await fixture.catalog.write { try $0.update(changed) }
      #expect(try await fixture.catalog.read { try $0.vps(changed.id) } == changed)

      let seen = Observation(observedAt: .epoch, powerState: .running, macAddresses: ["52:54"])
      try await fixture.catalog.write { transaction throws in
        try transaction.setObservation(seen, of: changed.id)
        try transaction.update(changed)
      }
      vps.observation = seen
      #expect(try await fixture.catalog.read { try $0.vps(changed.id) } == vps)
    },
    Rule("a domain is one unterminated VPS, by name and by UUID") { fixture async throws in
      let client = try await fixture.client()
      var first = try await fixture.vps(of: client)
      var sameName = fixture.unstoredVPS(of: client)
      sameName.domainName = first.domainName
      var sameUUID = fixture.unstoredVPS(of: client)
      sameUUID.domainUUID = first.domainUUID
      for other in [sameName, sameUUID] {
        await #expect(throws: CatalogFault.failed(.constraint(.uniqueName))) {
          try await fixture.catalog.write { try $0.insert(other) }
        }
      }
      first.serviceStatus = .terminated
      let (terminated, successor) = (first, sameName)
      try await fixture.catalog.write { transaction throws in
        try transaction.update(terminated)
        try transaction.insert(successor)
      }
      first.serviceStatus = .active
      let revived = first
      await #expect(throws: CatalogFault.failed(.constraint(.uniqueName))) {
        try await fixture.catalog.write { try $0.update(revived) }
      }
    },
    Rule("a VPS needs its client and its node, and an update its VPS") { fixture async throws in
      let client = try await fixture.client()
      let homeless = fixture.unstoredVPS(of: client, node: "nowhere")
      await #expect(throws: CatalogFault.failed(.constraint(.reference))) {
        try await fixture.catalog.write { try $0.insert(homeless) }
      }
      await #expect(throws: CatalogFault.failed(.constraint(.reference))) {
        try await fixture.catalog.write { try $0.update(homeless) }
      }
    },
    Rule("VPSs are listed by filter, in the order of their identifiers, page by page") {
      fixture async throws in
      let (acme, other) = (try await fixture.client("acme"), try await fixture.client("other"))
      var own: [VPS] = []
      for name in ["Web", "db", "web", "mail"] {
        fixture.clock.advance(by: .milliseconds(1))
        own.append(try await fixture.vps(of: acme, name: name))
      }
      let away = try await fixture.vps(of: other, node: "away")
      own[3].serviceStatus = .terminated
      let gone = own[3]
      try await fixture.catalog.write { try $0.update(gone) }
      let lists: [(VPSFilter, [VPS])] = [
        (VPSFilter(), Array(own[...2]) + [away]),
        (VPSFilter(clientID: acme.id), Array(own[...2])),
        (VPSFilter(clientID: acme.id, includesTerminated: true), own),
        (VPSFilter(clientID: acme.id, name: "WEB"), [own[0], own[2]]),
        (VPSFilter(node: "away"), [away]),
        (VPSFilter(clientID: acme.id, after: own[0].id, limit: 1), [own[1]]),
        (VPSFilter(name: "nobody"), []),
      ]
      for (filter, expected) in lists {
        #expect(try await fixture.catalog.read { try $0.listVPS(filter) } == expected, "\(filter)")
      }
    },
  ]

  static let backups: [Rule] = [
    Rule("everything of a backup comes back") { fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      var backup = try await fixture.backup(of: vps, state: .creating)
      backup.state = .complete
      backup.note = "before the upgrade"
      backup.expiresAt = Timestamp(seconds: 9)
      let changed = backup
      try await fixture.catalog.write { try $0.update(changed) }
      #expect(try await fixture.catalog.read { try $0.backup(changed.id) } == changed)
    },
    Rule("backups are listed by state: a VPS's newest first, all oldest first") {
      fixture async throws in
      let client = try await fixture.client()
      let (one, two) = (
        try await fixture.vps(of: client), try await fixture.vps(of: client, name: "two")
      )
      let old = try await fixture.backup(of: one)
      let middle = try await fixture.backup(of: two, after: .seconds(1))
      let new = try await fixture.backup(of: one, after: .seconds(2))
      let bad = try await fixture.backup(of: one, state: .damaged, after: .seconds(3))
      try await fixture.catalog.read { transaction throws in
        #expect(try transaction.backups(of: one.id, in: [.complete]) == [new, old])
        #expect(try transaction.backups(of: one.id, in: [.complete, .damaged]) == [bad, new, old])
        #expect(try transaction.backups(of: one.id, in: []).isEmpty)
        #expect(try transaction.backups(in: [.complete, .damaged]) == [old, middle, new, bad])
      }
    },
    Rule("a backup is complete only with contents and a path of its own") { fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      let whole = try await fixture.backup(of: vps)
      var empty = whole
      empty.id = fixture.identifiers.make()
      empty.snapshotPath = nil
      var twin = whole
      twin.id = fixture.identifiers.make()
      for backup in [empty, twin] {
        await #expect(throws: CatalogFault.self) {
          try await fixture.catalog.write { try $0.insert(backup) }
        }
      }
    },
    Rule("a backup that a job holds can't be removed until the hold is released") {
      fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      let backup = try await fixture.backup(of: vps)
      let job = try await fixture.job(of: vps)
      try await fixture.catalog.write { try $0.insertHold(backup: backup.id, job: job.id) }
      #expect(try await fixture.catalog.read { try $0.holders(of: backup.id) } == [job.id])
      await #expect(throws: CatalogFault.failed(.constraint(.reference))) {
        try await fixture.catalog.write { try $0.deleteBackup(backup.id) }
      }
      try await fixture.catalog.write { transaction throws in
        try transaction.releaseHolds(of: job.id)
        try transaction.deleteBackup(backup.id)
      }
      #expect(try await fixture.catalog.read { try $0.backup(backup.id) } == nil)
    },
    Rule("links that were cut are one VPS's, and the last job's that cut them") {
      fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      let other = try await fixture.vps(of: fixture.client("other"))
      let (first, second) = (try await fixture.job(of: vps), try await fixture.job(of: other))
      let cut = { @Sendable (id: VPSID) async throws in
        try await fixture.catalog.read { try $0.cutLinks(of: id) }
      }
      #expect(try await cut(vps.id).isEmpty)
      try await fixture.catalog.write { transaction throws in
        try transaction.noteCutLinks(["b", "a"], of: vps.id, by: first.id)
        try transaction.noteCutLinks(["a"], of: other.id, by: second.id)
      }
      let expected = [CutLink(mac: "a", jobID: first.id), CutLink(mac: "b", jobID: first.id)]
      #expect(try await cut(vps.id) == expected)
      // What is down already belongs to who finds it so.
      try await fixture.catalog.write { try $0.noteCutLinks(["c"], of: vps.id, by: second.id) }
      #expect(try await cut(vps.id).map(\.mac) == ["a", "b", "c"])
      #expect(try await cut(vps.id).allSatisfy { $0.jobID == second.id })
      #expect(try await fixture.catalog.read { try $0.cutLinkJobs() } == [second.id])
      // What was cut for another job since isn't what was set up.
      try await fixture.catalog.write { transaction throws in
        for link in expected { try transaction.forget(link, of: vps.id) }
        try transaction.forget(CutLink(mac: "c", jobID: second.id), of: vps.id)
      }
      #expect(try await cut(vps.id).map(\.mac) == ["a", "b"])
      #expect(try await cut(other.id).count == 1)
    },
    Rule("reserved space is counted by file system, shrinks, and goes with the end of its job") {
      fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      let job = try await fixture.job(of: vps)
      let other = try await fixture.job(of: fixture.vps(of: fixture.client("other")))
      try await fixture.catalog.write { transaction throws in
        for (job, fileSystem, bytes) in [(job, "a", 100), (job, "b", 10), (other, "a", 5)] {
          try transaction.insert(
            SpaceReservation(
              jobID: job.id,
              node: CatalogFixture.node,
              fileSystem: fileSystem,
              bytes: Int64(bytes)
            )
          )
        }
      }
      func reserved(
        _ fileSystem: String,
        on node: String = CatalogFixture.node
      ) async throws -> Int64 {
        try await fixture.catalog.read { try $0.reservedBytes(node: node, fileSystem: fileSystem) }
      }
      #expect(try await reserved("a") == 105)
      #expect(try await reserved("b") == 10)
      #expect(try await reserved("c") == 0)
      #expect(try await reserved("a", on: "elsewhere") == 0)
      try await fixture.catalog.write {
        try $0.reduceReservation(of: job.id, fileSystem: "a", by: 60)
        try $0.reduceReservation(of: other.id, fileSystem: "a", by: 60)
      }
      // Never less than a byte: a job that has taken more than it said owes nobody anything.
      #expect(try await reserved("a") == 41)
      #expect(try await reserved("b") == 10)
      try await fixture.catalog.write { transaction throws in
        for (fileSystem, bytes) in [("a", 50), ("a", 7), ("c", 3)] as [(String, Int64)] {
          try transaction.raise(
            to: SpaceReservation(
              jobID: job.id,
              node: CatalogFixture.node,
              fileSystem: fileSystem,
              bytes: bytes
            )
          )
        }
        // Raised only, and each job's is its own.
        #expect(try transaction.reservedBytes(of: job.id, fileSystem: "a") == 50)
        #expect(try transaction.reservedBytes(of: job.id, fileSystem: "c") == 3)
        #expect(try transaction.reservedBytes(of: other.id, fileSystem: "c") == 0)
      }
      try await fixture.catalog.write { try $0.releaseReservations(of: job.id) }
      #expect(try await reserved("a") == 1)
      #expect(try await reserved("b") == 0)
      try await fixture.catalog.write { transaction throws in
        for job in [job, other] {
          let bytes: Int64 = job.id == other.id ? 20 : 300
          try transaction.releaseReservations(of: job.id)
          try transaction.insert(
            SpaceReservation(
              jobID: job.id,
              node: CatalogFixture.node,
              fileSystem: "a",
              bytes: bytes
            )
          )
        }
      }
      let lease = try #require(try await fixture.claim())
      #expect(try await fixture.catalog.write { try CatalogFixture.fail(lease, $0) })
      #expect(try await reserved("a") == (lease.jobID == job.id ? 20 : 300))
    },
    Rule("an undo is one a VPS, and comes up on its node when its time is over") {
      fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      let job = try await fixture.job(of: vps)
      let undo = UndoRecord(
        vpsID: vps.id,
        restoreJobID: job.id,
        until: Timestamp(seconds: 10),
        detail: "{}",
        sizeBytes: 42
      )
      try await fixture.catalog.write { try $0.insert(undo) }
      await #expect(throws: CatalogFault.failed(.constraint(.other))) {
        try await fixture.catalog.write { try $0.insert(undo) }
      }
      try await fixture.catalog.read { transaction throws in
        #expect(try transaction.undo(of: vps.id) == undo)
        #expect(try transaction.expiredUndos(node: vps.node, at: Timestamp(seconds: 9)).isEmpty)
        #expect(try transaction.expiredUndos(node: vps.node, at: undo.until) == [undo])
        #expect(try transaction.expiredUndos(node: "away", at: undo.until).isEmpty)
      }
      try await fixture.catalog.write { try $0.deleteUndo(of: vps.id) }
      #expect(try await fixture.catalog.read { try $0.undo(of: vps.id) } == nil)
    },
  ]
}
