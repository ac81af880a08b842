package import Model

/// What went wrong with the catalog itself.
package enum CatalogError: Error, Sendable, Equatable {
  /// Another process holds it, or it can't be reached: try again.
  case busy(String)
  /// A constraint of the schema said no, such as a second unfinished job of one VPS.
  case constraint(Constraint)
  /// It was written by a newer program.
  case newerSchema(String)
  /// It is broken, or a statement is wrong.
  case failed(String)

  /// The constraints that callers tell apart.
  package enum Constraint: String, Sendable {
    /// One unfinished job per VPS and class.
    case unfinishedJob
    /// Unique names: of clients, of domains on a node.
    case uniqueName
    /// Something still points at the row, or the row points at nothing.
    case reference
    /// Any other value that must be there once only.
    case other
  }
}

/// How a call to the catalog ended without a value.
package enum CatalogFault: Error, Sendable, Equatable {
  /// The body said no; nothing was written.
  case refused(Refusal)
  /// The catalog failed; nothing was written.
  case failed(CatalogError)
}

/// What Rehome keeps about clients, VPSs, backups and jobs.
///
/// A body runs synchronously within one transaction; it may throw a `Refusal` or a `CatalogError`
/// and nothing of it is written then. `write` is immediate: what it reads stays true until it ends.
package protocol Catalog: Sendable {
  /// Reads within one consistent snapshot.
  func read<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value

  /// Reads and writes within one immediate transaction, durable when it returns.
  func write<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value

  /// Makes sure that it can be read, for `/readyz`.
  func check() async throws(CatalogFault)

  /// What it is at now; nil when that can't be told without waiting.
  ///
  /// Quick, and never waits.
  func version() -> CatalogVersion?
}

/// Everything that can be asked or changed within one transaction.
package protocol CatalogTransaction: ClientStore, KeyStore, NodeStore, VPSStore, BackupStore,
  BackupPageStore, HoldStore, ReservationStore, CheckpointStore, CutLinkStore, ScheduleStore,
  JobStore, StepStore, UndoStore, AuditStore, IdempotencyStore, DamageStore, StoreTaskStore
{}
