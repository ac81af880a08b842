package import Catalog
import Synchronization

/// A catalog that is busy when a test says so.
package final class FlakyCatalog: Catalog {
  private let catalog: any Catalog
  private let left = Mutex(0)
  private let failures = Mutex(0)

  /// Makes one over a catalog that works.
  package init(_ catalog: any Catalog) {
    self.catalog = catalog
  }

  /// How many writes have failed.
  package var failed: Int { failures.withLock { $0 } }

  /// Lets the next writes fail.
  package func failWrites(_ count: Int) { left.withLock { $0 = count } }

  package func read<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value {
    try await catalog.read(body)
  }

  package func write<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value {
    let fails = left.withLock { left in
      guard left > 0 else { return false }
      left -= 1
      return true
    }
    guard !fails else {
      failures.withLock { $0 += 1 }
      throw .failed(.busy("a test says so"))
    }
    return try await catalog.write(body)
  }

  package func check() async throws(CatalogFault) { try await catalog.check() }

  package func version() -> CatalogVersion? { catalog.version() }
}
