import GRDB

/// One step of the schema's history, unchangeable once released.
struct SchemaStep: Sendable {
  /// Its stored name: the number, with which later ones compare greater.
  let name: String
  /// What it does in SQL.
  let sql: String
  /// What SQL alone can't do, afterwards in the same transaction.
  let fill: @Sendable (Database) throws -> Void

  init(
    _ name: String,
    _ sql: String,
    fill: @escaping @Sendable (Database) throws -> Void = { _ in }
  ) {
    self.name = name
    self.sql = sql
    self.fill = fill
  }
}

/// The schema's history: numbered steps in one order.
enum Schema {
  /// The steps in their order; a new one is added at the end.
  static let migrations = [
    SchemaStep("0001", schema0001),
    SchemaStep("0002", schema0002, fill: fillSchema0002),
    SchemaStep("0003", schema0003),
    SchemaStep("0004", schema0004),
    SchemaStep("0005", schema0005),
    SchemaStep("0006", schema0006),
    SchemaStep("0007", schema0007),
    SchemaStep("0008", schema0008),
    SchemaStep("0009", schema0009),
    SchemaStep("0010", schema0010),
  ]

  /// Brings a file up to date, or to an earlier step for tests of those after it; one that a newer
  /// program wrote is refused.
  static func migrate(_ pool: DatabasePool, through last: String? = nil) throws {
    var migrator = DatabaseMigrator()
    for migration in migrations {
      migrator.registerMigration(migration.name) { database in
        try database.execute(sql: migration.sql)
        try migration.fill(database)
      }
    }
    try refuseNewer(pool, migrator)
    // Another process may be at the same steps: each is one transaction, so the one that comes too
    // late fails, looks again and goes on from there.
    for attempt in 0...migrations.count {
      do {
        guard let last else { return try migrator.migrate(pool) }
        return try migrator.migrate(pool, upTo: last)
      } catch  where attempt < migrations.count {
        continue
      }
    }
  }

  /// Asks the file something that it can only answer with its schema in place.
  static func check(_ database: Database) throws {
    _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM node")
  }

  private static func refuseNewer(_ pool: DatabasePool, _ migrator: DatabaseMigrator) throws {
    let known = Set(migrations.map(\.name))
    let unknown = try pool.read { try migrator.appliedIdentifiers($0) }.subtracting(known)
    guard let newest = unknown.max() else { return }
    throw CatalogError.newerSchema(newest)
  }
}
