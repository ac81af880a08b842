import Catalog

/// The real catalog, whose calls can be the last thing that a worker does.
struct SimulatedCatalog: Catalog {
  let catalog: any Catalog
  let course: Course

  func read<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value {
    guard await course.visit("catalog: read") else { throw Self.gone }
    course.executor.beginOutside()
    defer { course.executor.endOutside() }
    return try await catalog.read(body)
  }

  func write<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value {
    guard await course.visit("catalog: write") else { throw Self.gone }
    if Life.current != nil, course.take({ $0 == .catalogBusy }) != nil {
      throw .failed(.busy("simulated"))
    }
    course.executor.beginOutside()
    defer { course.executor.endOutside() }
    return try await catalog.write(body)
  }

  func check() async throws(CatalogFault) {
    course.executor.beginOutside()
    defer { course.executor.endOutside() }
    try await catalog.check()
  }

  /// Unknown: whoever dies must not go on with what was read before.
  func version() -> CatalogVersion? { nil }

  private static let gone = CatalogFault.failed(.failed("the process has ended"))
}
