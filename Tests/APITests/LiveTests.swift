import API
import Model
import HummingbirdTesting
import Testing

/// One pass over a real socket.
@Suite struct LiveTests {
  @Test func `A restore is accepted and followed over loopback`() async throws {
    try await World.with { world, _ in
      try await world.server.application.test(.live) { client in
        let accepted = try await world.restore().ask(client)
        #expect(accepted.status == 202)
        let poll = try #require(accepted.json["operation"]?["pollUrl"]?.text)
        let job = try await Question("GET", poll, key: world.key).ask(client)
        #expect(job.status == 200)
        #expect(job.json["operation"]?["status"] == .string("queued"))
        func refused(_ body: String) async throws -> Int {
          try await Question(
            "POST",
            "/api/v2/vps/\(world.target.id)/backups",
            key: world.key,
            body: body
          ).ask(client).status
        }
        #expect(try await refused("{") == 400)
        // The connection is still good after a refusal, and HEAD sends no body on it.
        let head = try await Question("HEAD", "/nowhere").ask(client)
        #expect(head.status == 404)
        let missing = try await Question("GET", "/nowhere").ask(client)
        #expect(missing.code == "not_found")
        #expect(world.listeningPort() == client.port)
        // The last one: what is left of so long a body isn't read, unless it has come already.
        let large = String(repeating: " ", count: 4 * Limits.requestBodyBytes)
        #expect(try await refused(large) == 413)
      }
    }
  }
}
