import Catalog
import Synchronization

/// A catalog that is busy when a test says so.
final class FlakyCatalog: Catalog {
  private let catalog: any Catalog
  private let left = Mutex(0)
  private let failures = Mutex(0)

  init(_ catalog: any Catalog) {
    self.catalog = catalog
  }

  /// How many writes have failed.
  var failed: Int { failures.withLock { $0 } }

  /// Lets the next writes fail.
  func failWrites(_ count: Int) { left.withLock { $0 = count } }

  func read<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value {
    try await catalog.read(body)
  }

  func write<Value: Sendable>(
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

  func check() async throws(CatalogFault) { try await catalog.check() }
}
