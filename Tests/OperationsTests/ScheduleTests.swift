import Catalog
import Foundation
import Model
import Operations
import TestSupport
import Testing

/// Schedules' turns and what they keep, over a real catalog with a clock that the test moves.
@Suite(.scratchDirectory) struct ScheduleTests {
  /// One VPS with a daily schedule at 03:00; it is 12:34 on 2026-04-27.
  private struct Bench: Sendable {
    let fixture: CatalogFixture
    let operations: Operations
    let vps: VPS
    let caller = Caller(identity: .system("test"))

    var catalog: any Catalog { fixture.catalog }

    init(quota: Int? = nil) async throws {
      fixture = CatalogFixture(
        catalog: try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite")
      )
      operations = Operations(catalog: fixture.catalog, clock: fixture.clock, logger: .quiet)
      var made = try await fixture.vps(of: fixture.client())
      made.backupLimit = quota
      let changed = made
      vps = made
      try await fixture.catalog.write { try $0.update(changed) }
      try await observe(.running)
    }

    func observe(_ state: PowerState) async throws {
      let seen = Observation(observedAt: fixture.clock.now(), powerState: state)
      let id = vps.id
      try await catalog.write { try $0.setObservation(seen, of: id) }
    }

    func schedule(keeping count: Int = 2, hour: Int = 3) async throws -> BackupSchedule {
      try await operations.perform(
        operations.addSchedule(
          caller,
          of: vps.id.text,
          ScheduleRequest(
            name: "nightly",
            timing: ScheduleTiming(frequency: .daily, hour: hour),
            retentionCount: count,
            isEnabled: true
          )
        )
      ).schedule
    }

    func takeTurns() async {
      await BackupScheduler(operations).takeTurns()
    }

    func stored(_ schedule: BackupSchedule) async throws -> BackupSchedule {
      try #require(try await catalog.read { try $0.schedule(schedule.id) })
    }

    func jobs() async throws -> [Job] {
      try await operations.jobs(caller, vps: vps.id.text).reversed()
    }

    /// Moves on to a moment and looks whether turns have come.
    func move(to text: String) async throws {
      let time = try #require(Timestamp(text))
      fixture.clock.advance(
        by: .milliseconds(time.milliseconds - fixture.clock.now().milliseconds)
      )
      await takeTurns()
    }

    /// Ends the running backup as its worker would.
    func finishBackup(as state: BackupState = .complete) async throws {
      let now = fixture.clock.now()
      let job = try #require(try await jobs().last)
      guard case .backup(let task) = job.task else { return }
      let lease = try #require(try await fixture.claim("worker-\(job.id)"))
      try await catalog.write { transaction in
        guard var backup = try transaction.backup(task.backupID) else { return }
        backup.state = state
        backup.snapshotPath = "ns/a/vm/b/\(backup.id)"
        backup.contents = BackupContents(disks: [], firmware: .bios, hasTPM: false, isFrozen: false)
        try transaction.update(backup)
        try Retention.apply(after: backup, at: now, transaction)
        _ = try transaction.finish(
          lease,
          state: .completed,
          result: nil,
          failure: nil,
          at: now
        )
      }
    }

    func states() async throws -> [BackupState] {
      let id = vps.id
      return try await catalog.read { try $0.backups(of: id, in: Set(BackupState.allCases)) }
        .map(\.state)
    }
  }

  @Test func `a turn begins a scheduled backup, once, however many look`() async throws {
    let bench = try await Bench()
    let schedule = try await bench.schedule()
    #expect(schedule.dueAt == Timestamp("2026-04-28T03:00:00Z"))
    await bench.takeTurns()
    #expect(try await bench.jobs().isEmpty, "its turn hasn't come")
    try await bench.move(to: "2026-04-28T03:00:00Z")
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 { group.addTask { await bench.takeTurns() } }
    }
    let jobs = try await bench.jobs()
    #expect(jobs.count == 1)
    guard case .backup(let task) = try #require(jobs.first).task else { return }
    let backup = try #require(try await bench.catalog.read { try $0.backup(task.backupID) })
    #expect(backup.type == .scheduled)
    #expect(backup.scheduleID == schedule.id)
    let after = try await bench.stored(schedule)
    #expect(after.lastRun?.outcome == .started)
    #expect(after.lastRun?.jobID == jobs.first?.id)
    #expect(after.dueAt == Timestamp("2026-04-29T03:00:00Z"))
  }

  @Test func `two catalogs at once take one turn once`() async throws {
    let bench = try await Bench()
    _ = try await bench.schedule()
    let other = Operations(
      catalog: try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite"),
      clock: bench.fixture.clock,
      logger: .quiet
    )
    bench.fixture.clock.advance(by: .seconds(86_400))
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask { await bench.takeTurns() }
        group.addTask { await BackupScheduler(other).takeTurns() }
      }
    }
    #expect(try await bench.jobs().count == 1)
  }

  @Test func `turns that were missed are taken late and once`() async throws {
    let bench = try await Bench()
    let schedule = try await bench.schedule()
    try await bench.move(to: "2026-05-03T17:20:00Z")
    #expect(try await bench.jobs().count == 1)
    let after = try await bench.stored(schedule)
    #expect(after.lastRun?.dueAt == Timestamp("2026-04-28T03:00:00Z"))
    #expect(after.dueAt == Timestamp("2026-05-04T03:00:00Z"))
  }

  @Test func `a closed gate is tried again for an hour, then the turn is skipped with its reason`()
    async throws
  {
    let bench = try await Bench()
    let schedule = try await bench.schedule()
    try await bench.observe(.paused)
    try await bench.move(to: "2026-04-28T03:00:00Z")
    var now = try await bench.stored(schedule)
    #expect(now.lastRun?.outcome == .postponed)
    #expect(now.lastRun?.code == "power_state_unsettled")
    #expect(now.attemptAt == Timestamp("2026-04-28T03:05:00Z"))
    #expect(now.dueAt == Timestamp("2026-04-28T03:00:00Z"))
    try await bench.move(to: "2026-04-28T03:30:00Z")
    try await bench.move(to: "2026-04-28T03:56:00Z")
    now = try await bench.stored(schedule)
    #expect(now.lastRun?.outcome == .skipped)
    #expect(now.lastRun?.reason?.isEmpty == false)
    #expect(now.attemptAt == Timestamp("2026-04-29T03:00:00Z"))
    #expect(try await bench.jobs().isEmpty)

    try await bench.move(to: "2026-04-29T03:00:00Z")
    try await bench.observe(.running)
    try await bench.move(to: "2026-04-29T03:05:00Z")
    #expect(try await bench.jobs().count == 1, "it opened within the hour")
  }

  @Test func `a disabled schedule rests, and begins with the next regular turn`() async throws {
    let bench = try await Bench()
    let schedule = try await bench.schedule()
    func edit(_ isEnabled: Bool) async throws -> BackupSchedule {
      try await bench.operations.editSchedule(
        bench.caller,
        schedule.id.text,
        of: bench.vps.id.text,
        ScheduleChanges(isEnabled: isEnabled)
      ).schedule
    }
    _ = try await edit(false)
    try await bench.move(to: "2026-05-01T12:00:00Z")
    #expect(try await bench.jobs().isEmpty)
    #expect(try await edit(true).dueAt == Timestamp("2026-05-02T03:00:00Z"))
  }

  @Test func `a terminated VPS's schedule ends`() async throws {
    let bench = try await Bench()
    let schedule = try await bench.schedule()
    var ended = bench.vps
    ended.serviceStatus = .terminated
    let vps = ended
    try await bench.catalog.write { try $0.update(vps) }
    try await bench.move(to: "2026-04-28T03:00:00Z")
    let after = try await bench.stored(schedule)
    #expect(!after.isEnabled)
    #expect(after.lastRun?.code == "not_active")
  }

  @Test func `the newest complete backups are kept, and the rest go when a newer one is complete`()
    async throws
  {
    let bench = try await Bench(quota: 2)
    _ = try await bench.schedule(keeping: 2)
    for day in 28...30 {
      try await bench.move(to: "2026-04-\(day)T03:00:00Z")
      #expect(try await bench.states().count { $0 == .complete } == min(2, day - 28))
      try await bench.finishBackup()
    }
    // The third stood one over the quota until the first was gone.
    #expect(try await bench.states() == [.complete, .complete, .deleting])
  }

  @Test func `while an operator must look, turns are skipped and nothing that is kept goes`()
    async throws
  {
    let bench = try await Bench()
    let schedule = try await bench.schedule(keeping: 1)
    try await bench.move(to: "2026-04-28T03:00:00Z")
    try await bench.finishBackup()
    try await bench.move(to: "2026-04-29T03:00:00Z")
    var left = bench.fixture.unstoredJob(of: bench.vps, after: .seconds(-3600))
    left.state = .failed
    left.needsOperator = true
    let job = left
    try await bench.catalog.write { try $0.insert(job) }
    try await bench.finishBackup()
    #expect(try await bench.states() == [.complete, .complete])
    let listed = try await bench.operations.backups(bench.caller, of: bench.vps.id.text).backups
    #expect(listed.map(\.expiresAt) == [nil, nil])

    try await bench.move(to: "2026-04-30T03:00:00Z")
    var now = try await bench.stored(schedule)
    #expect(now.lastRun?.outcome == .postponed)
    #expect(now.lastRun?.code == "needs_operator")
    try await bench.move(to: "2026-04-30T03:56:00Z")
    now = try await bench.stored(schedule)
    #expect(now.lastRun?.outcome == .skipped)

    _ = try await bench.operations.resolveJob(bench.caller, job.id.text)
    try await bench.move(to: "2026-05-01T03:00:00Z")
    try await bench.finishBackup()
    #expect(try await bench.states() == [.complete, .deleting, .deleting])
  }

  @Test func `a held backup neither goes, nor has another go or a quota give in its place`()
    async throws
  {
    let bench = try await Bench(quota: 2)
    _ = try await bench.schedule(keeping: 2)
    for day in 28...29 {
      try await bench.move(to: "2026-04-\(day)T03:00:00Z")
      try await bench.finishBackup()
    }
    let id = bench.vps.id
    let oldest = try #require(
      try await bench.catalog.read { try $0.backups(of: id, in: [.complete]) }.last
    )
    let reader = try #require(try await bench.jobs().last)
    try await bench.catalog.write { try $0.insertHold(backup: oldest.id, job: reader.id) }
    // The held one would stay, so the quota of two has no room for a third.
    try await bench.move(to: "2026-04-30T03:00:00Z")
    #expect(try await bench.jobs().count == 2)
    var roomy = bench.vps
    roomy.backupLimit = 3
    let vps = roomy
    try await bench.catalog.write { try $0.update(vps) }
    try await bench.move(to: "2026-04-30T03:05:00Z")
    try await bench.finishBackup()
    #expect(try await bench.states() == [.complete, .complete, .complete])
    try await bench.catalog.write { try $0.releaseHolds(of: reader.id) }
    try await bench.move(to: "2026-05-01T03:00:00Z")
    try await bench.finishBackup()
    #expect(try await bench.states() == [.complete, .complete, .deleting, .deleting])
  }

  @Test func `a damaged backup counts as none, so the last good ones stay`() async throws {
    let bench = try await Bench()
    _ = try await bench.schedule(keeping: 1)
    try await bench.move(to: "2026-04-28T03:00:00Z")
    try await bench.finishBackup()
    for day in 29...30 {
      try await bench.move(to: "2026-04-\(day)T03:00:00Z")
      try await bench.finishBackup(as: .damaged)
    }
    #expect(try await bench.states() == [.damaged, .damaged, .complete])
    try await bench.move(to: "2026-05-01T03:00:00Z")
    try await bench.finishBackup()
    #expect(try await bench.states() == [.complete, .deleting, .deleting, .deleting])
  }

  @Test func `a clock that was set back doesn't make the backup just completed the oldest`()
    async throws
  {
    let bench = try await Bench()
    let schedule = try await bench.schedule(keeping: 1)
    try await bench.move(to: "2026-04-28T03:00:00Z")
    try await bench.finishBackup()
    let vps = bench.vps.id
    let first = try #require(
      try await bench.catalog.read { try $0.backups(of: vps, in: [.complete]) }.first
    )
    // The next one is made on a host whose clock was a day ahead until now.
    let second = Backup(
      id: bench.operations.identifiers.make(),
      clientID: bench.vps.clientID,
      vpsID: vps,
      state: .complete,
      type: .scheduled,
      scheduleID: schedule.id,
      createdAt: Timestamp(milliseconds: first.createdAt.milliseconds - 86_400_000),
      snapshotPath: "ns/a/vm/b/second",
      contents: first.contents
    )
    let now = bench.fixture.clock.now()
    try await bench.catalog.write { transaction in
      try transaction.insert(second)
      try Retention.apply(after: second, at: now, transaction)
    }
    let kept = try await bench.catalog.read { try $0.backups(of: vps, in: [.complete]) }
    #expect(kept.map(\.id) == [second.id])
  }

  @Test func `what is wrong with one schedule doesn't keep the others from their turns`()
    async throws
  {
    let bench = try await Bench()
    _ = try await bench.schedule()
    _ = try await bench.schedule(hour: 4)
    bench.fixture.clock.advance(by: .seconds(86_400))
    let flaky = FlakyCatalog(bench.catalog)
    flaky.failWrites(1)
    let operations = Operations(catalog: flaky, clock: bench.fixture.clock, logger: .quiet)
    await BackupScheduler(operations).takeTurns()
    #expect(flaky.failed == 1)
    #expect(try await bench.jobs().count == 1)
  }

  @Test func `what a job reads, and what others made, stays`() async throws {
    let bench = try await Bench()
    _ = try await bench.schedule(keeping: 1)
    let manual = try await bench.fixture.backup(of: bench.vps)
    try await bench.move(to: "2026-04-28T03:00:00Z")
    try await bench.finishBackup()
    let reader = try #require(try await bench.jobs().last)
    let id = bench.vps.id
    let held = try #require(
      try await bench.catalog.read { try $0.backups(of: id, in: [.complete]) }
        .first { $0.type == .scheduled }
    )
    try await bench.catalog.write { try $0.insertHold(backup: held.id, job: reader.id) }
    try await bench.move(to: "2026-04-29T03:00:00Z")
    try await bench.finishBackup()
    let kept = try await bench.catalog.read { try $0.backups(of: id, in: [.complete]) }
    #expect(Set(kept.map(\.id)).isSuperset(of: [held.id, manual.id]))
  }

  @Test func `a backup tells when it will go, and one that nobody removes tells nothing`()
    async throws
  {
    let bench = try await Bench()
    let schedule = try await bench.schedule(keeping: 2)
    let manual = try await bench.fixture.backup(of: bench.vps)
    func expiries() async throws -> [String?] {
      try await bench.operations.backups(bench.caller, of: bench.vps.id.text).backups
        .filter { $0.id != manual.id }.map { $0.expiresAt?.text }
    }
    for day in 28...29 {
      try await bench.move(to: "2026-04-\(day)T03:00:00Z")
      try await bench.finishBackup()
      if day == 28 { #expect(try await expiries() == ["2026-04-30T03:00:00.000Z"]) }
    }
    #expect(
      try await expiries() == ["2026-05-01T03:00:00.000Z", "2026-04-30T03:00:00.000Z"]
    )
    let list = try await bench.operations.backups(bench.caller, of: bench.vps.id.text)
    #expect(list.backups.first { $0.id == manual.id }?.expiresAt == nil)
    try await bench.operations.removeSchedule(
      bench.caller,
      schedule.id.text,
      of: bench.vps.id.text
    )
    #expect(try await expiries() == [nil, nil], "they stay without their schedule")
  }
}
