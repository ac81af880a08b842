import Catalog
import Foundation
import Model
import Operations
import TestSupport
import Testing

/// The life of a key: made, used, rolled, revoked.
@Suite(.scratchDirectory) struct KeyTests {
  private static let system = Caller(identity: .system("root"))

  private struct World {
    let clock = ManualClock()
    let catalog: SQLiteCatalog
    let operations: Operations

    init() async throws {
      catalog = try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite")
      operations = Operations(catalog: catalog, clock: clock)
      _ = try await operations.createClient(system, name: "acme")
    }

    func make(lifetime: Duration? = nil, name: String? = nil) async throws -> MadeKey {
      try await operations.createKey(
        system,
        client: "acme",
        scopes: [.readVM, .backupVM],
        lifetime: lifetime,
        name: name
      )
    }

    func opens(_ text: KeyText) async throws -> Bool {
      do throws(Refusal) {
        _ = try await operations.authenticate(
          text,
          asOf: catalog.version(),
          address: nil,
          requestID: operations.identifiers.make()
        )
        return true
      } catch .unauthorized {
        return false
      }
    }

    func key(_ id: KeyID) async throws -> APIKey {
      try #require(try await operations.keys().first { $0.id == id })
    }
  }

  @Test func `a rolled key keeps scopes, name and length of life, and the old one ends at once`()
    async throws
  {
    let world = try await World()
    let old = try await world.make(lifetime: .seconds(1000), name: "nightly")
    world.clock.advance(by: .seconds(600))
    let new = try await world.operations.rollKey(Self.system, old.key.id.text, grace: .zero)
    #expect(new.key.scopes == old.key.scopes)
    #expect(new.key.clientID == old.key.clientID)
    #expect(new.key.name == "nightly")
    #expect(new.key.replaces == old.key.id)
    #expect(new.key.expiresAt == world.clock.now().advanced(by: .seconds(1000)))
    #expect(try await world.opens(new.text))
    #expect(try await !world.opens(old.text))
    #expect(try await world.key(old.key.id).revokedAt == world.clock.now())
  }

  @Test(arguments: [(Duration.seconds(100), Int64(100)), (.seconds(5000), 400)])
  func `a grace lets the old key go on, but never past its own end`(
    _ grace: Duration,
    _ seconds: Int64
  ) async throws {
    let world = try await World()
    let old = try await world.make(lifetime: .seconds(1000))
    world.clock.advance(by: .seconds(600))
    let new = try await world.operations.rollKey(Self.system, old.key.id.text, grace: grace)
    world.clock.advance(by: .seconds(seconds) - .milliseconds(1))
    #expect(try await world.opens(old.text))
    world.clock.advance(by: .milliseconds(1))
    #expect(try await !world.opens(old.text))
    #expect(try await world.opens(new.text))
  }

  @Test func `a key that was rolled isn't rolled again, and its successor has a whole life`()
    async throws
  {
    let world = try await World()
    let old = try await world.make(lifetime: .seconds(1000))
    world.clock.advance(by: .seconds(600))
    let new = try await world.operations.rollKey(
      Self.system,
      old.key.id.text,
      grace: .seconds(100)
    )
    let ends = try await world.key(old.key.id).expiresAt
    // What is left of the old one is a grace: neither another key nor more time comes from it.
    await #expect {
      _ = try await world.operations.rollKey(Self.system, old.key.id.text, grace: .seconds(1))
    } throws: { error in
      (error as? Refusal)?.faults?.first?.detail.contains(new.key.id.text) == true
    }
    #expect(try await world.key(old.key.id).expiresAt == ends)
    #expect(try await world.operations.keys().count == 2)
    world.clock.advance(by: .seconds(50))
    let next = try await world.operations.rollKey(Self.system, new.key.id.text, grace: .seconds(10))
    #expect(next.key.expiresAt == world.clock.now().advanced(by: .seconds(1000)))
    #expect(
      try await world.key(new.key.id).expiresAt == world.clock.now().advanced(by: .seconds(10))
    )
  }

  @Test func `a key that is over can't be rolled`() async throws {
    let world = try await World()
    let expired = try await world.make(lifetime: .seconds(1))
    let revoked = try await world.make()
    _ = try await world.operations.revokeKey(Self.system, revoked.key.id.text)
    world.clock.advance(by: .seconds(1))
    for key in [expired, revoked] {
      await #expect(throws: Refusal.self) {
        _ = try await world.operations.rollKey(Self.system, key.key.id.text, grace: .zero)
      }
    }
    await #expect(throws: Refusal.notFound) {
      _ = try await world.operations.rollKey(Self.system, "key_none", grace: .zero)
    }
    #expect(try await world.operations.keys().count == 2)
  }

  @Test func `a key that was read before is refused from its revocation on, whoever revokes it`()
    async throws
  {
    let world = try await World()
    let (ours, theirs) = (try await world.make(), try await world.make())
    let elsewhere = Operations(
      catalog: try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite"),
      clock: world.clock
    )
    for key in [ours, theirs, ours, theirs] { #expect(try await world.opens(key.text)) }
    _ = try await world.operations.revokeKey(Self.system, ours.key.id.text)
    #expect(try await !world.opens(ours.text))
    #expect(try await world.opens(theirs.text))
    _ = try await elsewhere.revokeKey(Self.system, theirs.key.id.text)
    #expect(try await !world.opens(theirs.text))
  }

  @Test func `a key that was read before ends in its time`() async throws {
    let world = try await World()
    let key = try await world.make(lifetime: .seconds(60))
    #expect(try await world.opens(key.text))
    world.clock.advance(by: .seconds(60))
    #expect(try await !world.opens(key.text))
  }

  @Test func `uses are written together, later, and only those that opened something`()
    async throws
  {
    let world = try await World()
    let (used, idle) = (try await world.make(), try await world.make())
    let revoked = try await world.make()
    _ = try await world.operations.revokeKey(Self.system, revoked.key.id.text)
    let start = world.clock.now()
    #expect(try await world.opens(used.text))
    world.clock.advance(by: .seconds(5))
    #expect(try await world.opens(used.text))
    #expect(try await !world.opens(revoked.text))
    #expect(try await world.key(used.key.id).lastUsedAt == nil)
    try await world.operations.recordKeyUses()
    #expect(try await world.key(used.key.id).lastUsedAt == start.advanced(by: .seconds(5)))
    #expect(try await world.key(idle.key.id).lastUsedAt == nil)
    #expect(try await world.key(revoked.key.id).lastUsedAt == nil)
  }

  @Test func `uses that couldn't be written are written next time`() async throws {
    let world = try await World()
    let made = try await world.make()
    let catalog = UnwritableOnce(world.catalog)
    let operations = Operations(catalog: catalog, clock: world.clock)
    _ = try await operations.authenticate(
      made.text,
      address: nil,
      requestID: operations.identifiers.make()
    )
    await #expect(throws: Refusal.self) { try await operations.recordKeyUses() }
    try await operations.recordKeyUses()
    #expect(try await world.key(made.key.id).lastUsedAt == world.clock.now())
    // With nothing new there is no write, which would succeed silently.
    #expect(catalog.writes == 2)
    try await operations.recordKeyUses()
    #expect(catalog.writes == 2)
  }
}
