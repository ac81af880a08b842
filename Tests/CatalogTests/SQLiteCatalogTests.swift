import Foundation
import GRDB
import Model
import TestSupport
import Testing

@testable import Catalog

@Suite(.scratchDirectory)
struct SQLiteCatalogTests {
  private var path: String { "\(ScratchDirectory.path)/data/catalog.sqlite" }

  @Test(arguments: CatalogConformance.rules)
  func `SQLite does what every catalog must`(_ rule: CatalogConformance.Rule) async throws {
    try await rule.run(SQLiteCatalog(path: path))
  }

  @Test func `the connection that writes waits for the disk`() throws {
    let catalog = try SQLiteCatalog(path: path)
    #expect(try catalog.writerSynchronous() == 2)
  }

  @Test func `a write is in the write-ahead log when it returns`() async throws {
    let catalog = try SQLiteCatalog(path: path)
    try await catalog.write { try $0.upsertNode(name: "durable-marker", uri: "u") }
    let log = try Data(contentsOf: URL(filePath: path + "-wal"))
    #expect(log.range(of: Data("durable-marker".utf8)) != nil)
  }

  @Test func `only the owner may read the files`() async throws {
    let catalog = try SQLiteCatalog(path: path)
    try await catalog.write { try $0.upsertNode(name: "n", uri: "u") }
    for (suffix, mode) in [("", 0o600), ("-wal", 0o600), ("-shm", 0o600), ("/..", 0o700)] {
      let file = suffix == "/.." ? URL(filePath: path).deletingLastPathComponent().path() : path
      let attributes = try FileManager.default.attributesOfItem(
        atPath: suffix == "/.." ? file : file + suffix
      )
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == mode, "\(suffix)")
    }
  }

  @Test func `a file is opened again with everything in it`() async throws {
    try await SQLiteCatalog(path: path).write { try $0.upsertNode(name: "n", uri: "u") }
    let again = try SQLiteCatalog(path: path)
    #expect(try await again.read { try $0.nodes() } == [Node(name: "n", uri: "u")])
  }

  @Test func `many processes may make the same file at once`() async throws {
    let path = path
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 1...8 {
        group.addTask { @concurrent in
          try await SQLiteCatalog(path: path, busyTimeout: .seconds(60))
            .write { try $0.upsertNode(name: "\(number)", uri: "u") }
        }
      }
      try await group.waitForAll()
    }
    let catalog = try SQLiteCatalog(path: path)
    #expect(try await catalog.read { try $0.nodes() }.count == 8)
  }

  @Test func `a file from a newer program is refused and left alone`() async throws {
    _ = try SQLiteCatalog(path: path)
    try await raw("INSERT INTO grdb_migrations (identifier) VALUES ('9999')")
    #expect(throws: CatalogError.newerSchema("9999")) { try SQLiteCatalog(path: path) }
  }

  @Test func `a file that isn't a catalog is refused`() throws {
    try FileManager.default.createDirectory(
      at: URL(filePath: path).deletingLastPathComponent(),
      withIntermediateDirectories: true
    )
    try Data(repeating: 0x55, count: 8192).write(to: URL(filePath: path))
    #expect(throws: CatalogError.self) { try SQLiteCatalog(path: path) }
  }

  @Test func `a place that can't be written is a catalog out of reach`() {
    #expect(throws: CatalogError.self) { try SQLiteCatalog(path: "/proc/none/catalog.sqlite") }
  }

  @Test func `a file that another process keeps locked is busy`() async throws {
    let catalog = try SQLiteCatalog(path: path, busyTimeout: .milliseconds(1))
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let other = try DatabaseQueue(path: path, configuration: configuration)
    try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    do {
      try await catalog.write { try $0.upsertNode(name: "n", uri: "u") }
      Issue.record("written although locked")
    } catch CatalogFault.failed(.busy) {
      // As it should be.
    }
    try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    try await catalog.write { try $0.upsertNode(name: "n", uri: "u") }
  }

  @Test func `many writes that meet a lock are all told within the time of one`() async throws {
    let catalog = try SQLiteCatalog(path: path, busyTimeout: .seconds(1))
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let other = try DatabaseQueue(path: path, configuration: configuration)
    let clock = ContinuousClock()
    func refused() async throws -> Int {
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<24 {
          group.addTask {
            do {
              try await catalog.write { try $0.upsertNode(name: "\(number)", uri: "u") }
              return false
            } catch CatalogFault.failed(.busy) {
              return true
            }
          }
        }
        return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
    }
    try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    let start = clock.now
    #expect(try await refused() == 24)
    // One after the other they would take 24 s; a busy machine takes some of that for nothing.
    #expect(clock.now - start < .seconds(15))
    // Patience is as long as before for who comes next.
    async let written: Void = catalog.write { try $0.upsertNode(name: "late", uri: "u") }
    try await Task.sleep(for: .milliseconds(300))
    try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    try await written
    #expect(try await refused() == 0)
  }

  @Test func `an observation that can't be read counts as none`() async throws {
    let fixture = CatalogFixture(catalog: try SQLiteCatalog(path: path))
    let vps = try await fixture.vps(of: fixture.client())
    try await raw(#"UPDATE vps SET observation = '{"observedAt":1}'"#)
    #expect(try await fixture.catalog.read { try $0.vps(vps.id) } == vps)
  }

  @Test(arguments: [
    ("UPDATE audit SET actor = 'me'", "append-only"),
    ("DELETE FROM audit", "append-only"),
    ("UPDATE job_step SET name = 'x'", "append-only"),
    ("UPDATE backup SET client_id = client_id", "unchangeable"),
    ("DELETE FROM backup", "FOREIGN KEY"),
    ("UPDATE job SET state = 'sleeping'", "CHECK"),
    ("UPDATE job SET lease_token = 't', lease_until = 1, state = 'queued'", "CHECK"),
    ("UPDATE vps SET service_status = 'gone'", "CHECK"),
    ("UPDATE vps SET backup_limit = -1", "CHECK"),
    ("UPDATE backup SET created_at = 'now'", "cannot store TEXT"),
    ("INSERT INTO client (id, name, created_at) VALUES ('c', '', 1)", "CHECK"),
  ])
  func `the schema itself says no`(_ sql: String, _ reason: String) async throws {
    let fixture = CatalogFixture(catalog: try SQLiteCatalog(path: path))
    let vps = try await fixture.vps(of: fixture.client())
    let backup = try await fixture.backup(of: vps)
    let job = try await fixture.job(of: vps)
    let lease = try #require(try await fixture.claim())
    let now = fixture.clock.now()
    try await fixture.catalog.write { transaction in
      try transaction.insertHold(backup: backup.id, job: job.id)
      _ = try transaction.appendStep(
        name: "s",
        phase: .begun,
        detail: "{}",
        at: now,
        lease: lease
      )
      try transaction.append(AuditEntry(at: now, actor: "a", action: "b", subject: "c"))
    }
    let error = await #expect(throws: DatabaseError.self) { try await raw(sql) }
    #expect(error?.message?.contains(reason) == true, "\(String(describing: error?.message))")
  }

  /// Runs a statement past the catalog.
  private func raw(_ sql: String) async throws {
    try await DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
  }
}
