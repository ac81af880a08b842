import API
import Model
import Testing

/// The headers that every answer has.
@Suite struct HeaderTests {
  @Test(arguments: ["/healthz", "/nowhere", "/api/v2/vps", "/errors/not_found"])
  func `Answers tell browsers to make nothing of them`(_ path: String) async throws {
    try await World.with { _, client in
      let answer = try await Question("HEAD", path).ask(client)
      #expect(answer.header("X-Content-Type-Options") == "nosniff")
      #expect(answer.header("Referrer-Policy") == "no-referrer")
      let policy = try #require(answer.header("Content-Security-Policy"))
      #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
      #expect(answer.header("Cache-Control") != nil)
      #expect(answer.header("Server") == nil)
      #expect(answer.header("Strict-Transport-Security") == nil)
      #expect(RequestID(answer.header("X-Request-Id") ?? "") != nil)
    }
  }

  @Test func `What a key opens is kept by nobody`() async throws {
    try await World.with { world, client in
      let answer = try await Question("GET", "/api/v2/vps", key: world.key).ask(client)
      #expect(answer.header("Cache-Control") == "no-store")
    }
  }

  @Test(arguments: ["application/xml", "text/html;q=0", "nonsense"])
  func `Accept is ignored`(_ accept: String) async throws {
    try await World.with { world, client in
      let question = Question(
        "GET",
        "/api/v2/vps",
        key: world.key,
        headers: ["Accept": accept]
      )
      let answer = try await question.ask(client)
      #expect(answer.status == 200)
      #expect(answer.header("Content-Type") == "application/json")
    }
  }
}
