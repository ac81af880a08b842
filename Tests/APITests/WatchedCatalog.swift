import Catalog
import Synchronization

/// A catalog that counts its reads, and before whose next one something else can happen.
final class WatchedCatalog: Catalog {
  private let catalog: any Catalog
  private let count = Mutex(0)
  private let next = Mutex<(@Sendable () -> Void)?>(nil)

  init(_ catalog: any Catalog) {
    self.catalog = catalog
  }

  /// How often it was read.
  var reads: Int { count.withLock { $0 } }

  /// Does something before the next read, once.
  func interrupt(_ body: @escaping @Sendable () -> Void) { next.withLock { $0 = body } }

  func read<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value {
    count.withLock { $0 += 1 }
    let interruption = next.withLock { $0.take() }
    interruption?()
    return try await catalog.read(body)
  }

  func write<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value {
    try await catalog.write(body)
  }

  func check() async throws(CatalogFault) { try await catalog.check() }

  func version() -> CatalogVersion? { catalog.version() }
}
