import Care
import Catalog
import Datastore
import Disks
import Foundation
import Model
import TestSupport
import Testing

@Suite(.scratchDirectory)
struct StoreKeeperTests {
  @Test func `a collection that was asked for is done in one turn, and its end is in the catalog`()
    async throws
  {
    let world = try await CareWorld()
    let (kept, lost) = (noise(), noise())
    _ = try await world.backUp(kept)
    let gone = try await world.backUp(lost)
    let path = try #require(gone.snapshotPath.flatMap(SnapshotPath.init(relative:)))
    try await world.store.remove(path)
    world.days(2)
    let asked = try await world.ask(.collect)
    await world.keeper().turn()
    let ended = try await world.task(asked.number)
    #expect(ended.state == .completed && ended.percent == 100)
    #expect(ended.finishedAt == world.clock.now())
    #expect(ended.garbage?.removedCount == 1 && ended.garbage?.usedCount == 1)
    #expect(world.exists(world.file(of: kept)) && !world.exists(world.file(of: lost)))
    // There is nothing left to do.
    await world.keeper().turn()
    #expect(try await world.task(asked.number) == ended)
  }

  @Test func `garbage is collected by itself, once in its time`() async throws {
    let world = try await CareWorld()
    let keeper = world.keeper(CareSchedule(collectEvery: .seconds(86_400), verifyEvery: nil))
    for _ in 0..<3 { await keeper.turn() }
    #expect(try await world.tasks(.collect).count == 1)
    world.clock.advance(by: .seconds(86_399))
    await keeper.turn()
    #expect(try await world.tasks(.collect).count == 1)
    world.clock.advance(by: .seconds(1))
    await keeper.turn()
    let tasks = try await world.tasks(.collect)
    #expect(tasks.map(\.state) == [.completed, .completed])
    #expect(tasks[0].actor == "worker:\(CatalogFixture.node)")
    await world.keeper().turn()
    #expect(try await world.tasks(.collect).count == 2, "without a schedule nothing comes")
  }

  @Test func `a collection that another process keeps away fails, and comes again in an hour`()
    async throws
  {
    let world = try await CareWorld()
    let other = try LocalDatastore(
      path: world.root,
      sync: .none,
      executor: .init(label: "test.other", width: 1),
      logger: .quiet
    )
    let keeper = world.keeper(CareSchedule(collectEvery: .seconds(86_400), verifyEvery: nil))
    await keeper.turn()
    await keeper.turn()
    let failed = try await world.tasks(.collect)
    #expect(failed.map(\.state) == [.failed])
    #expect(failed.first?.failure == DatastoreError.busy.sentence)
    withExtendedLifetime(other) {}
    world.clock.advance(by: Limits.careRetry)
    await keeper.turn()
    #expect(try await world.tasks(.collect).count == 2)
  }

  @Test func `what a worker was at when it died is done by the next one`() async throws {
    let world = try await CareWorld()
    var asked = try await world.ask(.collect)
    asked.state = .running
    asked.percent = 40
    let running = asked
    try await world.catalog.write { try $0.update(running) }
    await world.keeper().turn()
    #expect(try await world.task(asked.number).state == .completed)
  }

  @Test func `a task that is interrupted stays in the catalog`() async throws {
    let world = try await CareWorld()
    let backup = try await world.backUp(noise())
    let asked = [try await world.ask(.collect), try await world.ask(.verify, backup)]
    let keeper = world.keeper()
    await withTaskGroup(of: Void.self) { group in
      group.cancelAll()
      for _ in asked { group.addTask { await keeper.turn() } }
    }
    for task in asked {
      let left = try await world.task(task.number)
      #expect(!left.state.isFinal && left.finishedAt == nil)
    }
    #expect(try await world.state(backup) == .complete)
    await keeper.turn()
    await keeper.turn()
    for task in asked { #expect(try await world.task(task.number).state == .completed) }
  }

  @Test func `backups are verified when their time has come, the longest unverified first`()
    async throws
  {
    let world = try await CareWorld()
    let keeper = world.keeper(CareSchedule(collectEvery: nil, verifyEvery: .seconds(30 * 86_400)))
    let old = try await world.backUp(noise())
    world.days(10)
    let young = try await world.backUp(noise())
    world.days(19)
    await keeper.turn()
    #expect(try await world.tasks(.verify).isEmpty)
    world.days(2)
    await keeper.turn()
    let tasks = try await world.tasks(.verify)
    #expect(tasks.map(\.state) == [.completed])
    #expect(tasks.first?.verification?.backupCount == 1)
    let (first, second) = try await world.catalog.read {
      (try $0.backup(old.id)?.verifiedAt, try $0.backup(young.id)?.verifiedAt)
    }
    #expect(first == world.clock.now() && second == nil)
    for _ in 0..<3 { await keeper.turn() }
    #expect(try await world.tasks(.verify).count == 1)
  }

  @Test func `a damaged backup is marked, and whole again when a later one holds what it lacks`()
    async throws
  {
    let world = try await CareWorld()
    let (shared, own) = (noise(), noise())
    let one = try await world.backUp(shared + own)
    let two = try await world.backUp(shared)
    let three = try await world.backUp(own)
    try world.harm(shared)
    let asked = try await world.ask(.verify)
    let keeper = world.keeper()
    await keeper.turn()
    let report = try #require(try await world.task(asked.number).verification)
    #expect(report.backupCount == 3 && report.damagedCount == 2 && report.badChunkCount == 1)
    #expect(try await world.state(one) == .damaged)
    #expect(try await world.state(two) == .damaged)
    #expect(try await world.state(three) == .complete)
    #expect(world.exists(world.file(of: shared) + ".0.bad"))
    let actions = try await world.catalog.read { transaction in
      try transaction.auditRecords(AuditFilter(action: "backup.damaged")).map(\.entry.subject)
    }
    #expect(Set(actions) == [one.id.text, two.id.text])

    await keeper.turn()
    #expect(try await world.state(one) == .damaged, "nothing has come back")
    let four = try await world.backUp(noise() + shared)
    await keeper.turn()
    for backup in [one, two, three, four] {
      #expect(try await world.state(backup) == .complete)
    }
    let healed = try await world.catalog.read { transaction in
      try transaction.auditRecords(AuditFilter(action: "backup.healed")).count
    }
    #expect(healed == 2)
  }

  @Test func `a backup whose files are bad isn't healed by chunks, and is looked at when asked`()
    async throws
  {
    let world = try await CareWorld()
    let backup = try await world.backUp(noise())
    let manifest = "\(world.root)/\(backup.snapshotPath ?? "")/index.json.blob"
    let whole = try Data(contentsOf: URL(filePath: manifest))
    try FileManager.default.removeItem(atPath: manifest)
    try await world.ask(.verify, backup)
    let keeper = world.keeper()
    await keeper.turn()
    #expect(try await world.state(backup) == .damaged)
    try whole.write(to: URL(filePath: manifest))
    await keeper.turn()
    #expect(try await world.state(backup) == .damaged)
    try await world.ask(.verify, backup)
    await keeper.turn()
    #expect(try await world.state(backup) == .complete)
  }

  @Test func `a backup that a restore found damaged is read, and the catalog says what is bad`()
    async throws
  {
    let world = try await CareWorld()
    let (good, bad) = (noise(), noise())
    let whole = try await world.backUp(good)
    let harmed = try await world.backUp(bad)
    try world.harm(bad)
    for backup in [whole, harmed] {
      var marked = backup
      marked.state = .damaged
      let found = marked
      try await world.catalog.write { try $0.update(found) }
    }
    let keeper = world.keeper()
    await keeper.turn()
    #expect(try await world.state(whole) == .complete)
    #expect(try await world.state(harmed) == .damaged)
    #expect(try await world.catalog.read { try $0.damage(of: harmed.id).count } == 1)
  }

  @Test func `a store that isn't there marks no backup, and is told as a failure`() async throws {
    let world = try await CareWorld()
    let backup = try await world.backUp(noise())
    for name in [".chunks", "ns"] {
      try FileManager.default.moveItem(
        atPath: "\(world.root)/\(name)",
        toPath: "\(ScratchDirectory.path)/away-\(name)"
      )
    }
    let asked = try await world.ask(.verify)
    await world.keeper().turn()
    let ended = try await world.task(asked.number)
    #expect(ended.state == .failed)
    #expect(ended.failure == DatastoreError.notADatastore(path: world.root).sentence)
    #expect(try await world.state(backup) == .complete)
  }

  @Test func `a backup that is removed while it is read stays removed`() async throws {
    let world = try await CareWorld()
    let backup = try await world.backUp(noise())
    var gone = backup
    gone.state = .deleting
    let deleting = gone
    try await world.catalog.write { try $0.update(deleting) }
    let asked = try await world.ask(.verify, backup)
    await world.keeper().turn()
    #expect(try await world.task(asked.number).verification?.backupCount == 0)
    #expect(try await world.state(backup) == .deleting)
  }
}
