import Catalog
import Model
import Operations
import Testing

struct PruneTests {
  @Test func `what a rule doesn't keep is being deleted, what a job reads stays`() async throws {
    try await OperationsWorld.with { world in
      let (caller, vps) = (OperationsWorld.operatorCaller, world.source)
      var made: [Backup] = []
      for day in 1...4 {
        let time = try #require(Timestamp("2026-03-0\(day)T00:00:00Z"))
        made.append(try await world.addBackup(of: vps, at: time))
      }
      let job = try await world.operations.perform(
        world.operations.restoreFromVPS(caller, world.request(made[0]))
      )
      let rule = PruneRule(last: 1, daily: 1)
      let told = try await world.operations.prune(caller, of: "alpha", by: rule, isDryRun: true)
      #expect(told.map(\.reason) == [.last, .daily, nil, .held])
      let all: Set<BackupState> = Set(BackupState.allCases)
      func states() async throws -> [BackupState] {
        try await world.catalog.read { try $0.backups(of: vps.id, in: all) }.map(\.state)
      }
      #expect(try await states() == [.complete, .complete, .complete, .complete])
      let done = try await world.operations.prune(caller, of: "alpha", by: rule, isDryRun: false)
      #expect(done.map(\.reason) == told.map(\.reason))
      #expect(try await states() == [.complete, .complete, .deleting, .complete])
      let records = try await world.operations.auditRecords(AuditFilter(action: "backup.prune"))
      #expect(records.map(\.entry.subject) == [made[1].id.text])
      #expect(job.vpsID == world.target.id)
    }
  }

  @Test func `a rule that keeps nothing is refused, and so is another client's VPS`() async throws {
    try await OperationsWorld.with { world in
      let caller = OperationsWorld.operatorCaller
      await #expect(throws: Refusal.self) {
        try await world.operations.prune(caller, of: "alpha", by: PruneRule(), isDryRun: false)
      }
      await #expect(throws: Refusal.notFound) {
        try await world.operations.prune(
          world.caller(of: world.source),
          of: world.foreign.id.text,
          by: PruneRule(last: 1),
          isDryRun: false
        )
      }
    }
  }
}
