import API
import Catalog
import HummingbirdTesting
import Model
import Operations
import Synchronization
import TestSupport
import Testing

/// What callers see of the limits.
@Suite struct RateLimitTests {
  @Sendable private static func tight(_ configuration: inout APIConfiguration) {
    configuration.rates = RateLimits(
      read: RateLimit(perMinute: 60, burst: 2),
      write: RateLimit(perMinute: 6, burst: 1),
      address: RateLimit(perMinute: 60, burst: 2)
    )
  }

  @Test func `Every answer to a key tells where it stands`() async throws {
    try await World.with(configure: Self.tight) { world, client in
      let first = try await Question("GET", "/api/v2/vps", key: world.key).ask(client)
      #expect(first.status == 200)
      #expect(first.header("X-RateLimit-Limit") == "2")
      #expect(first.header("X-RateLimit-Remaining") == "1")
      #expect(first.header("X-RateLimit-Reset") == "2026-04-27T12:34:57.000Z")
      // Errors do, too, whatever they are.
      let missing = try await Question("HEAD", "/api/v2/vps/x", key: world.key).ask(client)
      #expect(missing.status == 404)
      #expect(missing.header("X-RateLimit-Remaining") == "0")
      let forbidden = try await Question(
        "GET",
        "/api/v2/vps",
        key: try await world.newKey([.backupVM])
      ).ask(client)
      #expect(forbidden.status == 403)
      #expect(forbidden.header("X-RateLimit-Remaining") == "1")
    }
  }

  @Test func `Too many requests are the seed's 429`() async throws {
    try await World.with(configure: Self.tight) { world, client in
      let question = Question("GET", "/api/v2/vps", key: world.key)
      for _ in 0..<2 { try await question.expect(200, client) }
      let answer = try await question.ask(client)
      #expect(answer.status == 429)
      #expect(answer.code == "rate_limit_exceeded")
      #expect(answer.json["title"] == .string("Too many requests"))
      #expect(
        answer.json["detail"] == .string("Too many requests. Retry after the limit resets.")
      )
      #expect(answer.json["errors"] == nil && answer.json["extensions"] == nil)
      #expect(answer.header("Retry-After") == "1")
      #expect(answer.header("X-RateLimit-Limit") == "2")
      #expect(answer.header("X-RateLimit-Remaining") == "0")
      #expect(answer.header("X-RateLimit-Reset") == "2026-04-27T12:34:58.000Z")
      world.clock.advance(by: .seconds(1))
      try await question.expect(200, client)
    }
  }

  @Test func `Looking and changing are counted apart, and each key by itself`() async throws {
    try await World.with(configure: Self.tight) { world, client in
      try await world.restore().expect(202, client)
      try await world.restore().expect(429, client)
      try await Question("GET", "/api/v2/vps", key: world.key).expect(200, client)
      var other = world.restore()
      other.key = try await world.newKey(Scope.allCases)
      try await other.expect(409, client)
    }
  }

  @Test func `Callers without a good key are counted by address`() async throws {
    try await World.with(configure: Self.tight) { world, client in
      for (question, status, remaining) in [
        (Question("GET", "/api/v2/vps"), 401, "1"), (Question("HEAD", "/nowhere"), 404, "0"),
      ] {
        let answer = try await question.ask(client)
        #expect(answer.status == status)
        #expect(answer.header("X-RateLimit-Limit") == "2")
        #expect(answer.header("X-RateLimit-Remaining") == remaining)
        #expect(answer.header("X-RateLimit-Reset") != nil)
      }
      for path in ["/api/v2/vps", "/nowhere", "/errors/not_found"] {
        let answer = try await Question("GET", path).ask(client)
        #expect(answer.status == 429)
        #expect(answer.header("Retry-After") == "1")
        #expect(answer.header("X-RateLimit-Limit") == "2")
      }
      // Whoever has a good key isn't kept out by others of the same address.
      try await Question("GET", "/api/v2/vps", key: world.key).expect(200, client)
      // And what watches over the server is always answered.
      for _ in 0..<9 {
        let answer = try await Question("GET", "/healthz").ask(client)
        #expect(answer.status == 200)
        #expect(answer.header("X-RateLimit-Limit") == nil)
      }
      world.clock.advance(by: .seconds(1))
      try await Question("GET", "/api/v2/vps").expect(401, client)
    }
  }

  @Test(arguments: [
    ("GET", "/errors/not_found", 200), ("GET", "/errors/nonsense", 404),
    ("GET", "/api/openapi.json", 200), ("DELETE", "/api/v2/vps", 405), ("POST", "/healthz", 405),
  ])
  func `What needs no key counts by address and tells so, whoever asks`(
    method: String,
    path: String,
    status: Int
  ) async throws {
    try await World.with(configure: Self.tight) { world, client in
      for (key, remaining) in [(nil, "1"), (world.key, "0")] as [(String?, String)] {
        let answer = try await Question(method, path, key: key).ask(client)
        #expect(answer.status == status)
        #expect(answer.header("X-RateLimit-Limit") == "2")
        #expect(answer.header("X-RateLimit-Remaining") == remaining)
      }
      try await Question(method, path, key: world.key).expect(429, client)
    }
  }

  @Test func `An address that has used up its failures costs no look-ups, and good keys pass`()
    async throws
  {
    try await World.with { world, _ in
      let catalog = WatchedCatalog(world.operations.catalog)
      var configuration = APIConfiguration(port: 0, typeBase: "https://example.com/")
      Self.tight(&configuration)
      let server = APIServer(
        operations: Operations(catalog: catalog, clock: world.clock, logger: .quiet),
        readiness: world.readiness,
        configuration: configuration,
        clock: world.clock,
        logger: .quiet
      )
      let wrong = String(world.key.dropLast(4)) + "AAAA"
      try await server.application.test(.router) { client in
        for _ in 0..<2 {
          try await Question("GET", "/api/v2/vps", key: world.unknownKey()).expect(401, client)
        }
        #expect(catalog.reads == 2)
        for key in [wrong, try await world.revokedKey()] + (0..<20).map({ _ in world.unknownKey() })
        {
          let answer = try await Question("GET", "/api/v2/vps", key: key).ask(client)
          #expect(answer.status == 429)
          #expect(answer.header("Retry-After") == "1")
        }
        #expect(catalog.reads == 3, "the list of valid keys, once")
        try await Question("GET", "/api/v2/vps", key: world.key).expect(200, client)
        // One that was made since is refused for a moment, and then looked up.
        let new = try await world.newKey([.readVM])
        try await Question("GET", "/api/v2/vps", key: new).expect(429, client)
        world.clock.advance(by: .seconds(1))
        try await Question("GET", "/api/v2/vps", key: new).expect(200, client)
      }
    }
  }

  @Test func `What isn't a request counts by address`() async throws {
    try await World.live(configure: Self.tight) { world, connection in
      for status in [400, 400, 429] {
        let answers = try await connection.answers(to: "nonsense\r\n\r\n")
        #expect(answers.map(\.status) == [status])
        #expect(answers.first?.headers["x-ratelimit-limit"] == "2")
      }
      // And leaves the holder of a key alone.
      let answers = try await connection.answers(
        to: "GET /api/v2/vps HTTP/1.1\r\nHost: x\r\nX-API-Key: \(world.key)\r\n"
          + "Connection: close\r\n\r\n"
      )
      #expect(answers.map(\.status) == [200])
    }
  }

  @Test func `Requests behind a trusted proxy are counted by the client's address`() async throws {
    try await World.live(configure: {
      Self.tight(&$0)
      $0.trustedProxies = ["127.0.0.0/8", "10.0.0.0/8"].compactMap(AddressRange.init)
    }) { _, connection in
      let rows: [(header: String, status: Int)] = [
        ("192.0.2.1", 404), ("192.0.2.1", 404), ("192.0.2.1", 429),
        // What a client wrote itself stands further left and isn't believed.
        ("198.51.100.7, 192.0.2.1", 429), ("198.51.100.7, 192.0.2.1:4711, 10.1.1.1", 429),
        ("192.0.2.2", 404), ("198.51.100.7, nonsense", 404),
        // A character that joins the one after it hides no comma.
        ("198.51.100.7\u{600}, 192.0.2.1", 429),
      ]
      for (header, status) in rows {
        let answers = try await connection.answers(
          to: "GET /x HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: \(header)\r\n"
            + "Forwarded: for=203.0.113.1\r\nConnection: close\r\n\r\n"
        )
        #expect(answers.map(\.status) == [status], "\(header)")
      }
    }
  }

  @Test func `The standard's header is read where it is the one that is set`() async throws {
    try await World.live(configure: {
      Self.tight(&$0)
      $0.trustedProxies = ["127.0.0.1"].compactMap(AddressRange.init)
      $0.forwardingHeader = .forwarded
    }) { _, connection in
      let rows: [(header: String, status: Int)] = [
        ("for=192.0.2.1;proto=https", 404), ("For=\"192.0.2.1:80\"", 404),
        ("for=198.51.100.1, proto=http; for=192.0.2.1", 429),
        ("for=\"[2001:db8::1]:4711\"", 404), ("for=\"[2001:db8::2]\"", 404),
        ("for=\"[2001:db8::3]\"", 429),
      ]
      for (header, status) in rows {
        let answers = try await connection.answers(
          to: "GET /x HTTP/1.1\r\nHost: x\r\nForwarded: \(header)\r\n"
            + "X-Forwarded-For: 203.0.113.1\r\nConnection: close\r\n\r\n"
        )
        #expect(answers.map(\.status) == [status], "\(header)")
      }
    }
  }
}
