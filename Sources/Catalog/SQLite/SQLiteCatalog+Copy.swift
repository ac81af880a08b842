import Foundation
import GRDB

extension SQLiteCatalog {
  /// Writes a copy of the catalog as it is at one moment to `path`, where nothing may be yet.
  ///
  /// Others read and write meanwhile. The copy is whole, checked and durable when it gets its name.
  /// Blocks the calling thread.
  package func copy(to path: String) throws(CatalogError) {
    let files = FileManager.default
    guard !files.fileExists(atPath: path) else {
      throw .failed("there is a file at \(path) already")
    }
    let temporary = "\(path).\(UUID().uuidString.prefix(8)).tmp"
    defer { try? files.removeItem(atPath: temporary) }
    do {
      guard
        files.createFile(
          atPath: temporary,
          contents: nil,
          attributes: [.posixPermissions: 0o600]
        )
      else { throw CatalogError.failed("no file can be made beside \(path)") }
      try pool.writeWithoutTransaction { database in
        try database.execute(sql: "VACUUM INTO ?", arguments: [temporary])
      }
      try Self.check(temporary)
      try Self.sync(temporary)
      try files.moveItem(atPath: temporary, toPath: path)
      try Self.sync(URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false))
    } catch {
      throw CatalogError(error)
    }
  }

  private static func check(_ path: String) throws {
    var configuration = Configuration()
    configuration.readonly = true
    let verdict = try DatabaseQueue(path: path, configuration: configuration).read { database in
      try String.fetchOne(database, sql: "PRAGMA integrity_check(1)")
    }
    guard verdict == "ok" else { throw CatalogError.failed("the copy is damaged") }
  }

  private static func sync(_ path: String) throws {
    let file = try FileHandle(forReadingFrom: URL(filePath: path))
    defer { try? file.close() }
    try file.synchronize()
  }
}
