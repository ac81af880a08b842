import API
import Foundation
import Model
import Testing

/// How connections are kept and ended.
@Suite(.timeLimit(.minutes(5))) struct ConnectionTests {
  private static let health = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
  private static let last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

  @Test func `A connection is kept for the next request until it says otherwise`() async throws {
    try await World.live { _, connection in
      let answers = try await connection.talk([Self.health, Self.health, Self.last])
      #expect(answers.map(\.status) == [200, 200, 200])
      #expect(answers.map { $0.headers["connection"] } == [nil, nil, "close"])
    }
  }

  @Test func `What stands behind the last request isn't answered`() async throws {
    try await World.live { _, connection in
      let alone = try await connection.answers(to: Self.last + Self.health)
      #expect(alone.count == 1)
      let list = Self.last.replacing("close", with: "foo, Close")
      let listed = try await connection.answers(to: list + Self.health)
      #expect(listed.count == 1)
    }
  }

  @Test func `HTTP/1.0 ends after one answer unless it is told to stay`() async throws {
    try await World.live { _, connection in
      let plain = try await connection.answers(to: "GET /healthz HTTP/1.0\r\n\r\n")
      #expect(plain.map(\.status) == [200])
      #expect(plain[0].headers["connection"] == "close")
      #expect(plain[0].headers["transfer-encoding"] == nil)
      let kept = "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
      let answers = try await connection.answers(to: kept + "GET /x HTTP/1.0\r\n\r\n")
      #expect(answers.map(\.status) == [200, 404])
      #expect(answers[0].headers["connection"] == "keep-alive")
    }
  }

  @Test func `Targets of every form are one path`() async throws {
    try await World.live { _, connection in
      let answers = try await connection.answers(
        to: """
          GET http://example.org/healthz HTTP/1.1\r\nHost: example.org\r\n\r\n\
          OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n\
          GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n\
          GET /api/v2/vps/%zz%f HTTP/1.1\r\nHost: x\r\n\r\n\
          TRACE /healthz HTTP/1.1\r\nHost: x\r\n\r\n\
          GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1\r\nHost: x\r\n\
          Connection: close\r\n\r\n
          """
      )
      #expect(answers.map(\.status) == [200, 404, 404, 401, 405, 404])
      #expect(answers[4].headers["allow"] == "GET, HEAD")
    }
  }

  @Test func `A request for another protocol is answered in this one, and is the last`()
    async throws
  {
    try await World.live { _, connection in
      let upgrade = """
        GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n\
        Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n
        """
      let answers = try await connection.answers(to: upgrade + Self.health)
      #expect(answers.map(\.status) == [200])
      let tunnel = try await connection.answers(
        to: "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n"
      )
      #expect(tunnel.map(\.status) == [404])
    }
  }

  @Test func `HEAD has headers and no body, whatever is answered`() async throws {
    try await World.live { _, connection in
      let text = try await connection.send(
        Array(
          """
          HEAD /nowhere HTTP/1.1\r\nHost: x\r\n\r\n\
          HEAD /api/v2/vps HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n
          """.utf8
        )
      )
      let answers = try RawAnswer.all(in: text, headOnly: true)
      #expect(answers.map(\.status) == [404, 401])
      #expect(Int(answers[0].headers["content-length"] ?? "0") ?? 0 > 100)
    }
  }

  @Test func `A client that waits for leave to send its body gets it`() async throws {
    try await World.live { world, connection in
      let head = """
        POST /api/v2/vps/\(world.source.id)/backups HTTP/1.1\r\nHost: x\r\n\
        Authorization: Bearer \(world.key)\r\nContent-Type: application/json\r\n\
        Expect: 100-continue\r\nConnection: close\r\n
        """
      let answers = try await connection.talk([head + "Content-Length: 2\r\n\r\n", "{}"])
      #expect(answers.map(\.status) == [100, 202])
      // One that couldn't be taken isn't asked for.
      let large = try await connection.answers(to: head + "Content-Length: 9999999\r\n\r\n")
      #expect(large.map(\.status) == [413])
    }
  }

  @Test func `An answer before the end of a long body arrives, and ends the connection`()
    async throws
  {
    try await World.live { world, connection in
      let answers = try await connection.answers(
        to: "POST /api/v2/vps/\(world.source.id)/backups HTTP/1.1\r\nHost: x\r\n"
          + "Content-Length: 4000000\r\n\r\n" + String(repeating: "x", count: 4_000_000)
      )
      #expect(answers.map(\.status) == [401])
      #expect(answers[0].headers["connection"] == "close")
    }
  }

  @Test func `An answer before the end of a short body keeps the connection`() async throws {
    try await World.live { world, connection in
      let answers = try await connection.talk([
        "POST /api/v2/vps/\(world.source.id)/backups HTTP/1.1\r\nHost: x\r\n"
          + "Content-Length: 4\r\n\r\n", "abcd" + Self.last,
      ])
      #expect(answers.map(\.status) == [401, 200])
    }
  }

  @Test func `A client that doesn't read its answers is let go`() async throws {
    try await World.live(configure: { $0.connections.write = .milliseconds(300) }) {
      _,
      connection in
      // Some 60 MB of answers, which no kernel keeps for a client that reads none of them.
      let request = "GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
      await connection.waitUntilLetGo(request, count: 2000)
    }
  }

  @Test func `Further connections wait until one ends`() async throws {
    try await World.live(configure: { $0.connections.maximum = 1 }) { _, connection in
      try await withThrowingTaskGroup(of: [Int].self) { group in
        for _ in 0..<5 {
          group.addTask { try await connection.answers(to: Self.last).map(\.status) }
        }
        for try await statuses in group { #expect(statuses == [200]) }
      }
    }
  }
}
