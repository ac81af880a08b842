import API
import Catalog
import Logging
import Model
import Operations
import TestSupport
import Testing

/// What is done for callers beside answering them.
@Suite struct CallerUpkeepTests {
  @Test func `Uses are written and old answers forgotten once a minute, and once more at the end`()
    async throws
  {
    try await World.with { world, client in
      let upkeep = CallerUpkeep(
        operations: world.operations,
        timer: world.clock.timer,
        logger: Logger(label: "rehome.tests")
      )
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await upkeep.run() }
        await world.clock.whenSleeping(1)
        let headers = ["Idempotency-Key": "k"]
        let path = "/api/v2/vps/\(world.source.id)/backups"
        try await Question("POST", path, key: world.key, headers: headers).expect(202, client)
        #expect(try await Self.lastUse(world) == nil)

        let firstUse = world.clock.now()
        world.clock.advance(by: Limits.callerUpkeep)
        await world.clock.whenSleeping(1)
        #expect(try await Self.lastUse(world) == firstUse)
        #expect(try await Self.hasAnswer(world))

        world.clock.advance(by: Limits.idempotencyLifetime)
        await world.clock.whenSleeping(1)
        #expect(try await !Self.hasAnswer(world))

        let lastUse = world.clock.now()
        try await Question("GET", "/api/v2/vps", key: world.key).expect(200, client)
        group.cancelAll()
        try await group.waitForAll()
        #expect(try await Self.lastUse(world) == lastUse)
      }
    }
  }

  private static func lastUse(_ world: World) async throws -> Timestamp? {
    let id = try #require(KeyText(world.key)?.id)
    return try await world.operations.read { try $0.key(id)?.key.lastUsedAt }
  }

  private static func hasAnswer(_ world: World) async throws -> Bool {
    let id = try #require(KeyText(world.key)?.id)
    return try await world.operations.read { try $0.idempotencyRecord(of: id, "k") != nil }
  }
}
