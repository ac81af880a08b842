import Catalog
import Synchronization

/// A catalog whose first write fails.
final class UnwritableOnce: Catalog {
  private let catalog: any Catalog
  private let count = Mutex(0)

  init(_ catalog: any Catalog) {
    self.catalog = catalog
  }

  /// How many writes there were, the failed one among them.
  var writes: Int { count.withLock { $0 } }

  func read<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value {
    try await catalog.read(body)
  }

  func write<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value {
    let isFirst = count.withLock { count in
      count += 1
      return count == 1
    }
    guard !isFirst else { throw .failed(.busy("a test says so")) }
    return try await catalog.write(body)
  }

  func check() async throws(CatalogFault) { try await catalog.check() }

  func version() -> CatalogVersion? { catalog.version() }
}
