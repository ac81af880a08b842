import Foundation
import TestSupport
import Testing

/// How a server starts and ends, with a libvirt that is away.
@Suite(.scratchDirectory) struct ServiceTests {
  private static func withServer(_ body: (Server) async throws -> Void) async throws {
    try await Server.with(
      below: ScratchDirectory.path,
      libvirtURI: "qemu+unix:///session?socket=/nonexistent/libvirt-sock",
      body
    )
  }

  @Test
  func `serve answers while libvirt is away, and keeps a second worker out`()
    async throws
  {
    try await Self.withServer { server in
      try await server.start(until: "/healthz")
      let base = try #require(server.base())
      #expect(try await Asking(base: base).get("/healthz").status == 200)
      // What needs libvirt waits, and readiness says so; everything else is there.
      let waiting = try await poll("all else is there") {
        let answer = try await Asking(base: base).get("/readyz")
        return answer.text.matches(of: /"(catalog|datastore|worker)":"ok"/).count == 3
          ? answer : nil
      }
      #expect(waiting.status == 503)
      #expect(!waiting.text.contains(#""hypervisor":"ok""#))
      #expect(try await Asking(base: base).get("/api/v2/vps").status == 401)
      for command in ["worker", "serve"] {
        let outcome = try await server.program.run(command, "--json")
        #expect(outcome.status == 5, "\(command): \(outcome)")
        #expect(outcome.errors.contains("runs already"), "\(outcome.errors)")
      }
      #expect(try await Asking(base: base).get("/healthz").status == 200)
      #expect(try await server.stop() == 0)
    }
  }

  @Test func `a killed server starts again at once, and forgets no key nor its end`() async throws {
    try await Self.withServer { server in
      let installation = try await Installation(on: server)
      try await server.start(until: "/healthz")
      #expect(try await installation.api().get("/api/v2/vps").status == 200)
      try await server.kill()
      try await server.start(until: "/healthz")
      #expect(try await installation.api().get("/api/v2/vps").status == 200)
      let keys: [Identified] = try await server.program.run("key", "list", "--json").decode()
      for key in keys {
        #expect(try await server.program.run("key", "revoke", key.id).status == 0)
      }
      #expect(try await installation.api().get("/api/v2/vps").status == 401)
    }
  }
}
