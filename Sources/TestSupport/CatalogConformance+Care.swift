import Catalog
import Model
import Testing

extension CatalogConformance {
  static let care: [Rule] = [
    Rule("a verification makes a backup damaged and another one makes it whole again") {
      fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      let backup = try await fixture.backup(of: vps)
      let parts = [DamagedPart(.chunk, "aa"), DamagedPart(.file, "drive-a.img.fidx")]
      let at = fixture.clock.now().advanced(by: .seconds(5))
      for damage in [parts, []] {
        let (isRecorded, after, found) = try await fixture.catalog.write { transaction throws in
          (
            try transaction.recordVerification(of: backup.id, at: at, damage: damage),
            try transaction.backup(backup.id), try transaction.damage(of: backup.id)
          )
        }
        #expect(isRecorded)
        #expect(after?.state == (damage.isEmpty ? .complete : .damaged))
        #expect(after?.verifiedAt == at)
        #expect(found == damage)
      }
    },
    Rule("a verification changes no backup that is being made or removed") {
      fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      for state in [BackupState.creating, .deleting] {
        let backup = try await fixture.backup(of: vps, state: state)
        let (isRecorded, after, found) = try await fixture.catalog.write { transaction throws in
          (
            try transaction.recordVerification(
              of: backup.id,
              at: backup.createdAt,
              damage: [DamagedPart(.chunk, "aa")]
            ),
            try transaction.backup(backup.id), try transaction.damage(of: backup.id)
          )
        }
        #expect(!isRecorded)
        #expect(after == backup)
        #expect(found == [])
      }
    },
    Rule("a change of a backup leaves when it was verified, and its end takes its bad parts along")
    {
      fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      let backup = try await fixture.backup(of: vps)
      let at = fixture.clock.now()
      let after = try await fixture.catalog.write { transaction throws in
        _ = try transaction.recordVerification(
          of: backup.id,
          at: at,
          damage: [DamagedPart(.chunk, "aa")]
        )
        var changed = backup
        changed.note = "changed"
        try transaction.update(changed)
        return try transaction.backup(backup.id)
      }
      #expect(after?.verifiedAt == at)
      #expect(after?.note == "changed")
      try await fixture.catalog.write { try $0.deleteBackup(backup.id) }
      #expect(try await fixture.catalog.read { try $0.damage(of: backup.id) } == [])
    },
    Rule("backups are verified in the order of their last time, or of when they were made") {
      fixture async throws in
      let client = try await fixture.client()
      let vps = try await fixture.vps(of: client)
      let elsewhere = try await fixture.vps(of: client, name: "far", node: "far")
      let start = fixture.clock.now()
      let first = try await fixture.backup(of: vps)
      let second = try await fixture.backup(of: vps, after: .seconds(10))
      _ = try await fixture.backup(of: vps, after: .seconds(20))
      _ = try await fixture.backup(of: elsewhere)
      _ = try await fixture.backup(of: vps, state: .deleting)
      let before = start.advanced(by: .seconds(20))
      let node = CatalogFixture.node
      func due(_ limit: Int = 9) async throws -> [BackupID] {
        try await fixture.catalog.read {
          try $0.backupsToVerify(node: node, before: before, limit: limit).map(\.id)
        }
      }
      #expect(try await due() == [first.id, second.id])
      try await fixture.catalog.write { transaction throws in
        _ = try transaction.recordVerification(
          of: first.id,
          at: start.advanced(by: .seconds(15)),
          damage: [DamagedPart(.chunk, "aa")]
        )
      }
      #expect(try await due() == [second.id, first.id])
      #expect(try await due(1) == [second.id])
    },
    Rule("a task on a datastore is there once until it has ended") { fixture async throws in
      _ = try await fixture.vps(of: fixture.client())
      let now = fixture.clock.now()
      func add(_ kind: StoreTaskKind, _ backup: BackupID? = nil) async throws -> StoreTask {
        let task = StoreTask(
          node: CatalogFixture.node,
          kind: kind,
          backupID: backup,
          verifiedBefore: now,
          actor: "operator:a",
          createdAt: now
        )
        return try await fixture.catalog.write { try $0.insert(task) }
      }
      let first = try await add(.collect)
      #expect(first.number > 0)
      #expect(try await add(.collect) == first)
      let one = try await add(.verify, fixture.identifiers.make())
      let all = try await add(.verify)
      #expect(Set([first.number, one.number, all.number]).count == 3)
      #expect(one.backupID != nil)
      let next = try await fixture.catalog.read { try $0.nextStoreTask(node: CatalogFixture.node) }
      #expect(next == first)
      var ended = first
      ended.state = .completed
      ended.percent = 100
      ended.message = "done"
      ended.garbage = GarbageReport(isDryRun: false)
      ended.verification = VerificationReport()
      ended.finishedAt = now
      let end = ended
      try await fixture.catalog.write { try $0.update(end) }
      #expect(try await fixture.catalog.read { try $0.storeTask(first.number) } == ended)
      let second = try await add(.collect)
      #expect(second.number > all.number)
      let newest = try await fixture.catalog.read {
        try $0.storeTasks(node: CatalogFixture.node, kind: .collect, limit: 9)
      }
      #expect(newest == [second, ended])
    },
    Rule("of ended tasks on a datastore the newest are kept") { fixture async throws in
      _ = try await fixture.vps(of: fixture.client())
      let now = fixture.clock.now()
      let numbers = try await fixture.catalog.write { transaction throws in
        var numbers: [Int64] = []
        for _ in 0..<Limits.storeTasksKept + 3 {
          var task = try transaction.insert(
            StoreTask(node: CatalogFixture.node, kind: .collect, actor: "a", createdAt: now)
          )
          numbers.append(task.number)
          task.state = .failed
          task.failure = "it failed"
          try transaction.update(task)
        }
        return numbers
      }
      let kept = try await fixture.catalog.read {
        try $0.storeTasks(node: CatalogFixture.node, kind: .collect, limit: 1000)
      }
      #expect(kept.map(\.number) == numbers.suffix(Limits.storeTasksKept).reversed())
    },
  ]
}
