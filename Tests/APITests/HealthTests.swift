import API
import Model
import Operations
import Testing

@Suite struct HealthTests {
  @Test func `The process is healthy when it answers`() async throws {
    try await World.with { _, client in
      let answer = try await Question("GET", "/healthz").ask(client)
      #expect(answer.status == 200)
      #expect(answer.text == #"{"status":"ok"}"#)
      #expect(answer.header("X-Request-Id") != nil)
    }
  }

  @Test func `It is ready while a worker shows itself`() async throws {
    try await World.with { world, client in
      let unseen = try await Question("GET", "/readyz").ask(client)
      #expect(unseen.status == 503)
      await world.readiness.lookOnce()
      let before = try await Question("GET", "/readyz").ask(client)
      #expect(before.status == 503)
      #expect(before.code == "service_unavailable")
      #expect(before.header("Retry-After") == "5")
      #expect(before.json["extensions"]?["parts"]?["catalog"] == .string("ok"))
      #expect(before.json["extensions"]?["parts"]?["worker"] != .string("ok"))
      try await world.beat()
      await world.readiness.lookOnce()
      let after = try await Question("GET", "/readyz").ask(client)
      #expect(after.status == 200)
      #expect(after.json["status"] == .string("ok"))
      #expect(after.json["parts"]?["worker"] == .string("ok"))
    }
  }
}
