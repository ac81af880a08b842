import Catalog
package import Model
import Testing

extension CatalogConformance {
  static let schedules: [Rule] = [
    Rule("a schedule's turn is taken once: who comes with an old moment changes nothing") {
      fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      let schedule = try fixture.unstoredSchedule(of: vps)
      try await fixture.catalog.write { try $0.insert(schedule) }
      var taken = schedule
      taken.begin(fixture.identifiers.make(), at: schedule.dueAt)
      let next = taken
      for expected in [true, false] {
        let isTaken = try await fixture.catalog.write {
          try $0.update(next, expectingAttemptAt: schedule.attemptAt)
        }
        #expect(isTaken == expected)
      }
      #expect(try await fixture.catalog.read { try $0.schedule(schedule.id) } == next)
    },
    Rule("only enabled schedules are due, the longest due first") { fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      var made: [BackupSchedule] = []
      for hour in [5, 4, 3] {
        made.append(try fixture.unstoredSchedule(of: vps, hour: hour))
      }
      made[2].isEnabled = false
      for schedule in made { try await fixture.catalog.write { try $0.insert(schedule) } }
      let (early, late) = (made[1].dueAt, made[0].dueAt)
      let due = try await fixture.catalog.read { transaction throws in
        [
          try transaction.dueSchedules(at: early.advanced(by: .milliseconds(-1)), limit: 9),
          try transaction.dueSchedules(at: early, limit: 9),
          try transaction.dueSchedules(at: late, limit: 9),
          try transaction.dueSchedules(at: late, limit: 1),
        ]
      }
      #expect(due == [[], [made[1]], [made[1], made[0]], [made[1]]])
    },
    Rule("a schedule that is removed leaves its backups, which belong to none") {
      fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      let schedule = try fixture.unstoredSchedule(of: vps)
      try await fixture.catalog.write { try $0.insert(schedule) }
      var made = try await fixture.backup(of: vps)
      made.id = fixture.identifiers.make()
      made.snapshotPath = "ns/another"
      made.scheduleID = schedule.id
      let backup = made
      try await fixture.catalog.write { try $0.insert(backup) }
      let found = try await fixture.catalog.read {
        try $0.backups(ofSchedule: schedule.id, in: [.complete])
      }
      #expect(found == [backup])
      let complete = try await fixture.catalog.read {
        try $0.completeBackups(ofSchedule: schedule.id)
      }
      #expect(complete == [backup.id])
      try await fixture.catalog.write { try $0.deleteSchedule(schedule.id) }
      let kept = try await fixture.catalog.read { try $0.backup(backup.id) }
      #expect(kept?.scheduleID == nil)
      #expect(kept?.id == backup.id)
    },
  ]
}

extension CatalogFixture {
  /// A daily schedule that isn't stored.
  package func unstoredSchedule(of vps: VPS, hour: Int = 3) throws -> BackupSchedule {
    BackupSchedule(
      id: identifiers.make(),
      clientID: vps.clientID,
      vpsID: vps.id,
      name: nil,
      timing: try ScheduleTiming(frequency: .daily, hour: hour),
      retentionCount: 7,
      isEnabled: true,
      createdAt: clock.now()
    )
  }
}
