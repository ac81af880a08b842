import GRDB

/// One transaction on a connection; its stores are extensions, one file each.
struct SQLiteTransaction: CatalogTransaction {
  private let database: Database

  init(_ database: Database) {
    self.database = database
  }

  /// Changes rows and tells how many; `unique` names what a taken value means.
  @discardableResult
  func change(
    _ sql: String,
    _ arguments: StatementArguments,
    unique: CatalogError.Constraint = .other
  ) throws(CatalogError) -> Int {
    do {
      try database.cachedStatement(sql: sql).execute(arguments: arguments)
      return database.changesCount
    } catch {
      throw CatalogError(error, unique: unique)
    }
  }

  /// Changes exactly the row that the arguments name; that there is none is an error.
  func changeOne(_ sql: String, _ arguments: StatementArguments) throws(CatalogError) {
    guard try change(sql, arguments) > 0 else { throw .constraint(.reference) }
  }

  /// All rows of a query.
  func all<Value>(
    _ sql: String,
    _ arguments: StatementArguments,
    _ decode: (Columns) throws(CatalogError) -> Value
  ) throws(CatalogError) -> [Value] {
    do {
      var values: [Value] = []
      let rows = try Row.fetchCursor(database.cachedStatement(sql: sql), arguments: arguments)
      while let row = try rows.next() { values.append(try decode(Columns(row))) }
      return values
    } catch {
      throw CatalogError(error)
    }
  }

  /// The first row of a query, if any.
  func first<Value>(
    _ sql: String,
    _ arguments: StatementArguments,
    _ decode: (Columns) throws(CatalogError) -> Value
  ) throws(CatalogError) -> Value? {
    do {
      let row = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: arguments)
      return try row.map { try decode(Columns($0)) }
    } catch {
      throw CatalogError(error)
    }
  }
}

extension CatalogError {
  /// Sorts out what GRDB threw; `unique` names what a taken value means to the caller.
  init(_ error: any Error, unique: Constraint = .other) {
    switch error {
    case let error as CatalogError:
      self = error
    case let error as DatabaseError:
      self.init(error, unique: unique)
    default:
      self = .failed("\(error)")
    }
  }

  /// Never with the statement's arguments: they may be secret.
  private init(_ error: DatabaseError, unique: Constraint) {
    let text = "\(error.message ?? "no message") (\(error.extendedResultCode.rawValue))"
    switch error.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_CANTOPEN, .SQLITE_IOERR, .SQLITE_FULL,
      .SQLITE_PROTOCOL:
      self = .busy(text)
    case .SQLITE_CONSTRAINT:
      switch error.extendedResultCode {
      case .SQLITE_CONSTRAINT_UNIQUE: self = .constraint(unique)
      case .SQLITE_CONSTRAINT_FOREIGNKEY: self = .constraint(.reference)
      case .SQLITE_CONSTRAINT_PRIMARYKEY: self = .constraint(.other)
      // A CHECK or NOT NULL is a fault of this program, which its text helps to find.
      default: self = .failed(text)
      }
    default:
      self = .failed(text)
    }
  }
}
