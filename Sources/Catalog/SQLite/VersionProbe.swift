import GRDB

/// Tells whether anybody has written, without reading anything.
///
/// `PRAGMA data_version` compares the counter of commits in SQLite's shared memory with the one its
/// connection saw last. It counts the commits of all connections but its own, so this one is used
/// for nothing else.
final class VersionProbe: Sendable {
  private let connection: DatabaseQueue

  /// Opens a connection of its own to a catalog that is open already.
  init(path: String) throws {
    var configuration = Configuration()
    configuration.label = "rehome.catalog.version"
    configuration.readonly = true
    // Whoever asks runs on an event loop: he rather reads than waits.
    configuration.busyMode = .immediateError
    connection = try DatabaseQueue(path: path, configuration: configuration)
  }

  /// The version now; nil when SQLite can't tell at once.
  func version() -> CatalogVersion? {
    do {
      return try connection.unsafeRead { database in
        let statement = try database.cachedStatement(sql: "PRAGMA data_version")
        return try Int64.fetchOne(statement).map(CatalogVersion.init(number:))
      }
    } catch {
      return nil
    }
  }
}
