import GRDB

/// The schema's history: numbered steps, each unchangeable once released.
enum Schema {
  /// The steps in their order; a new one is added at the end.
  static let migrations: [(name: String, sql: String)] = [
    ("0001", schema0001)
  ]

  /// Brings a file up to date; one that a newer program wrote is refused.
  static func migrate(_ pool: DatabasePool) throws {
    var migrator = DatabaseMigrator()
    for migration in migrations {
      let sql = migration.sql
      migrator.registerMigration(migration.name) { try $0.execute(sql: sql) }
    }
    try refuseNewer(pool, migrator)
    // Another process may be at the same steps: each is one transaction, so the one that comes too
    // late fails, looks again and goes on from there.
    for attempt in 0...migrations.count {
      do {
        return try migrator.migrate(pool)
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
