import TestSupport
import Testing

@testable import Catalog

/// What may be kept of the catalog, and until when.
@Suite(.scratchDirectory)
struct CatalogVersionTests {
  private static func register(_ name: String, in catalog: SQLiteCatalog) async throws {
    try await catalog.write { try $0.upsertNode(name: name, uri: "u") }
  }

  @Test func `the version is another after each write, whoever writes, and the same after reads`()
    async throws
  {
    let path = "\(ScratchDirectory.path)/catalog.sqlite"
    let ours = try SQLiteCatalog(path: path)
    // A connection of its own, as another process has.
    let other = try SQLiteCatalog(path: path)
    var seen = try #require(ours.version())
    for (number, writer) in [ours, other, other, ours].enumerated() {
      try await Self.register("node\(number)", in: writer)
      let now = try #require(ours.version())
      #expect(now != seen)
      for reader in [ours, other] { #expect(try await reader.read { try $0.nodes() }.count > 0) }
      #expect(ours.version() == now)
      seen = now
    }
  }

  @Test func `a write that is refused changes nothing`() async throws {
    let catalog = try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite")
    let seen = catalog.version()
    await #expect(throws: CatalogFault.self) {
      try await catalog.write { transaction in
        try transaction.upsertNode(name: "n", uri: "u")
        throw CatalogError.failed("a test says so")
      }
    }
    #expect(catalog.version() == seen)
  }

  @Test func `values are given out at their own version only, and all are forgotten when full`() {
    let (first, second) = (CatalogVersion(number: 1), CatalogVersion(number: 2))
    let kept = KeptReads<String, Int>(capacity: 2)
    kept.keep(1, of: "one", at: first)
    #expect(kept.value(of: "one", at: first) == 1)
    #expect(kept.value(of: "one", at: second) == nil)
    #expect(kept.value(of: "one", at: nil) == nil)
    #expect(kept.value(of: "two", at: first) == nil)
    kept.keep(2, of: "two", at: second)
    #expect(kept.value(of: "one", at: second) == nil)
    #expect(kept.value(of: "two", at: second) == 2)
    // Read before the last write, kept after it.
    kept.keep(1, of: "one", at: first)
    #expect(kept.value(of: "one", at: second) == nil)
    kept.keep(3, of: "three", at: nil)
    #expect(kept.value(of: "three", at: first) == nil)
    kept.keep(2, of: "two", at: first)
    kept.keep(3, of: "three", at: first)
    #expect(kept.value(of: "one", at: first) == nil)
    #expect(kept.value(of: "three", at: first) == 3)
  }
}
