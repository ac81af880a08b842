import Foundation
import GRDB
import Model

/// The catalog in one SQLite file.
///
/// Several processes may have it open: the server, a worker, commands. One writes at a time, and
/// a write is on the disk when it returns.
package struct SQLiteCatalog: Catalog {
  let pool: DatabasePool
  private let probe: VersionProbe
  private let busyTimeout: Duration

  /// How long a statement waits for another process before the catalog counts as busy.
  package static let defaultBusyTimeout = Duration.seconds(5)

  /// Opens the catalog at `path`, making it and its directory if need be, and migrates its schema.
  ///
  /// Blocks the calling thread: it belongs to the start of a process.
  package init(
    path: String,
    busyTimeout: Duration = SQLiteCatalog.defaultBusyTimeout
  ) throws(CatalogError) {
    self.busyTimeout = busyTimeout
    do {
      try Self.makePrivateFile(at: path)
      var configuration = Configuration()
      configuration.label = "rehome.catalog"
      configuration.foreignKeysEnabled = true
      configuration.busyMode = .timeout(TimeInterval(busyTimeout.milliseconds) / 1000)
      (pool, probe) = try Self.retrying(until: .now + busyTimeout) {
        let pool = try DatabasePool(path: path, configuration: configuration)
        try Self.makeWritesDurable(pool)
        try Schema.migrate(pool)
        return (pool, try VersionProbe(path: path))
      }
    } catch {
      throw CatalogError(error)
    }
  }

  /// SQLite doesn't wait where waiting could be a deadlock, such as between two processes that both
  /// turn a new file's journal into a write-ahead log: it says "busy" at once.
  private static func retrying<Value>(
    until deadline: ContinuousClock.Instant,
    _ open: () throws -> Value
  ) throws -> Value {
    while true {
      do {
        return try open()
      } catch let error as DatabaseError
        where error.resultCode == .SQLITE_BUSY && ContinuousClock.now < deadline
      {
        continue
      }
    }
  }

  package func read<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value {
    // Not GRDB's async calls: a cancelled task would leave the caller without knowing whether its
    // transaction was committed.
    let result: Result<Value, CatalogFault> = await withCheckedContinuation { continuation in
      pool.asyncRead { database in
        continuation.resume(
          returning: Self.outcome { try body(SQLiteTransaction(database.get())) }
        )
      }
    }
    return try result.get()
  }

  package func write<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value {
    let deadline = ContinuousClock.now + busyTimeout
    let result: Result<Value, CatalogFault> = await withCheckedContinuation { continuation in
      pool.asyncWriteWithoutTransaction { [busyTimeout] database in
        let outcome = Self.outcome {
          try Self.waiting(database, until: deadline, atMost: busyTimeout) {
            try Self.immediately(database, body)
          }
        }
        continuation.resume(returning: outcome)
      }
    }
    return try result.get()
  }

  /// Lets a statement wait for other processes as long as its caller still has patience: one that
  /// has waited for its turn doesn't wait as long again, behind a lock that the ones before it
  /// didn't get either.
  ///
  /// It is tried for a moment even after that: a long queue alone is no reason to refuse, nor is
  /// another process's ordinary write.
  private static func waiting<Value>(
    _ database: Database,
    until deadline: ContinuousClock.Instant,
    atMost whole: Duration,
    _ body: () throws -> Value
  ) throws -> Value {
    let left = max(deadline - .now, min(whole, .milliseconds(50)))
    // Setting it costs a statement, which the usual write, whose turn comes at once, needn't pay.
    guard left < whole * 9 / 10 else { return try body() }
    try database.execute(sql: "PRAGMA busy_timeout = \(left.milliseconds)")
    let result = Result { try body() }
    do {
      try database.execute(sql: "PRAGMA busy_timeout = \(whole.milliseconds)")
    } catch {
      // What was committed is committed; the next write that waits sets it again.
    }
    return try result.get()
  }

  package func check() async throws(CatalogFault) {
    let result: Result<Void, CatalogFault> = await withCheckedContinuation { continuation in
      pool.asyncRead { database in
        continuation.resume(returning: Self.outcome { try Schema.check(database.get()) })
      }
    }
    try result.get()
  }

  package func version() -> CatalogVersion? { probe.version() }

  /// What `PRAGMA synchronous` says on the connection that writes: 2 is FULL.
  func writerSynchronous() throws(CatalogError) -> Int? {
    do {
      return try pool.writeWithoutTransaction { database in
        try Int.fetchOne(database, sql: "PRAGMA synchronous")
      }
    } catch {
      throw CatalogError(error)
    }
  }

  private static func immediately<Value>(
    _ database: Database,
    _ body: (any CatalogTransaction) throws -> Value
  ) throws -> Value {
    var value: Value?
    try database.inTransaction(.immediate) {
      value = try body(SQLiteTransaction(database))
      return .commit
    }
    guard let value else { throw CatalogError.failed("the transaction gave no value") }
    return value
  }

  private static func outcome<Value>(_ body: () throws -> Value) -> Result<Value, CatalogFault> {
    do {
      return .success(try body())
    } catch let refusal as Refusal {
      return .failure(.refused(refusal))
    } catch {
      return .failure(.failed(CatalogError(error)))
    }
  }

  /// GRDB lowers a pool's writer to `NORMAL` when it opens it, with which a power failure may take
  /// back the last transactions; a journal row must be on the disk before what it announces.
  private static func makeWritesDurable(_ pool: DatabasePool) throws {
    let level = try pool.writeWithoutTransaction { database in
      try database.execute(sql: "PRAGMA synchronous = FULL")
      return try Int.fetchOne(database, sql: "PRAGMA synchronous")
    }
    guard level == 2 else { throw CatalogError.failed("SQLite doesn't write durably here") }
  }

  /// Makes an empty file that only its owner may read; SQLite gives its other files the same mode.
  private static func makePrivateFile(at path: String) throws {
    let files = FileManager.default
    let directory = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
    if !files.fileExists(atPath: directory) {
      try files.createDirectory(
        atPath: directory,
        withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700]
      )
    }
    guard !files.fileExists(atPath: path) else { return }
    do {
      try Data().write(to: URL(filePath: path), options: .withoutOverwriting)
      try files.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    } catch CocoaError.fileWriteFileExists {
      // Another process was faster.
    }
  }
}
