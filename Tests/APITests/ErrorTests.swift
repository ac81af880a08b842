import API
import Model
import Testing

/// Errors that no use case makes.
@Suite struct ErrorTests {
  private static func check(_ answer: Answer, _ status: Int, _ code: String) {
    #expect(answer.status == status)
    #expect(answer.code == code)
    #expect(answer.json["status"] == .number(String(status)))
    #expect(answer.header("Content-Type") == "application/problem+json")
    #expect(answer.json["requestId"]?.text == answer.header("X-Request-Id"))
  }

  @Test(arguments: ["/", "/api", "/api/v2", "/api/v2/vps/a/b", "/healthz/x", "/api/jobs", "/%00"])
  func `An unknown path is a problem`(_ path: String) async throws {
    try await World.with { _, client in
      let answer = try await Question("GET", path).ask(client)
      Self.check(answer, 404, "not_found")
      #expect(answer.json["instance"] == .string(path))
    }
  }

  static let methods: [(method: String, path: String, allow: String)] = [
    ("PUT", "/api/v2/vps", "GET, HEAD"),
    ("POST", "/api/v2/vps/vps_1", "GET, HEAD"),
    ("PATCH", "/api/v2/vps/vps_1/backups", "GET, HEAD, POST"),
    ("GET", "/api/v2/vps/vps_1/backups/bkp_1", "DELETE"),
    ("DELETE", "/api/v2/vps/vps_1/backups/restore-sources", "GET, HEAD"),
    ("GET", "/api/v2/vps/vps_1/backups/actions/restore-from-vps", "POST"),
    ("OPTIONS", "/api/jobs/job_1", "GET, HEAD"),
    ("FROBNICATE", "/healthz", "GET, HEAD"),
  ]

  @Test(arguments: methods) func `A wrong method is told which are right`(
    _ row: (method: String, path: String, allow: String)
  ) async throws {
    try await World.with { _, client in
      let answer = try await Question(row.method, row.path).ask(client)
      Self.check(answer, 405, "method_not_allowed")
      #expect(answer.header("Allow") == row.allow)
    }
  }

  @Test(arguments: ["/healthz", "/nowhere", "/api/v2/vps"]) func `HEAD is GET without the body`(
    _ path: String
  ) async throws {
    try await World.with { _, client in
      let head = try await Question("HEAD", path).ask(client)
      let get = try await Question("GET", path).ask(client)
      #expect(head.text.isEmpty)
      #expect(head.status == get.status)
      #expect(head.header("Content-Length") == get.header("Content-Length"))
    }
  }

  @Test func `A body over the limit is refused before its type is looked at`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.body = String(repeating: " ", count: Limits.requestBodyBytes + 1)
      question.headers = ["Content-Type": "text/plain"]
      let answer = try await question.ask(client)
      Self.check(answer, 413, "payload_too_large")
      #expect(
        answer.json["extensions"]?["limitBytes"] == .number(String(Limits.requestBodyBytes))
      )
      question.headers = ["Content-Length": "99999999"]
      Self.check(try await question.ask(client), 413, "payload_too_large")
    }
  }

  @Test func `A body of the limit's size is read`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      let body = try #require(question.body)
      question.body =
        body + String(repeating: " ", count: Limits.requestBodyBytes - body.utf8.count)
      try await question.expect(202, client)
    }
  }

  @Test(arguments: ["", "text/plain", "application/jsonx", "application/json, text/plain"])
  func `A body of another type is refused before it is read`(_ type: String) async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.body = "nonsense"
      question.headers = ["Content-Type": type]
      Self.check(try await question.ask(client), 415, "unsupported_media_type")
      question.path = "/api/v2/vps/\(world.source.id)/backups"
      Self.check(try await question.ask(client), 415, "unsupported_media_type")
    }
  }

  @Test func `Who you are comes before what you sent`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.body = String(repeating: "x", count: Limits.requestBodyBytes + 1)
      question.headers = ["Content-Type": "text/plain"]
      question.key = nil
      Self.check(try await question.ask(client), 401, "unauthorized")
      question.key = try await world.newKey([.readVM])
      Self.check(try await question.ask(client), 403, "forbidden")
    }
  }

  @Test func `The body is looked at before the target is`() async throws {
    try await World.with { world, client in
      var question = world.restore(to: world.foreign)
      question.body = "{}"
      Self.check(try await question.ask(client), 400, "invalid_request")
    }
  }

  @Test func `A client's own request identifier isn't taken`() async throws {
    try await World.with { _, client in
      let own = "req_01hxa3b4c5d6e7f8g9h0j1k2m3"
      let answer = try await Question("GET", "/healthz", headers: ["X-Request-Id": own])
        .ask(client)
      #expect(answer.header("X-Request-Id") != own)
    }
  }
}
