import API
import Model
import Testing

/// The answers of the seed, field by field.
@Suite struct SeedTests {
  @Test func `An accepted restore answers exactly the seed's 202`() async throws {
    try await World.with { world, client in
      let answer = try await world.restore().ask(client)
      #expect(answer.status == 202)
      #expect(answer.header("Content-Type") == "application/json")
      #expect(answer.json.names == ["operation"])
      let operation = try #require(answer.json["operation"])
      #expect(operation.names == ["status", "jobId", "pollUrl"])
      #expect(operation["status"] == .string("queued"))
      let job = try #require(operation["jobId"]?.text)
      #expect(JobID(job) != nil)
      #expect(operation["pollUrl"] == .string("/api/jobs/\(job)"))
    }
  }

  @Test func `Any parameters of the content type pass, and Accept is ignored`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.headers = [
        "Content-Type": "Application/JSON; charset=utf-8; v=1", "Accept": "text/html",
      ]
      try await question.expect(202, client)
    }
  }

  struct Expected: Sendable, CustomTestStringConvertible {
    var testDescription: String { code }
    var status: Int
    var title: String
    var detail: String
    var code: String
    var question: @Sendable (World) async throws -> Question
  }

  static let expected: [Expected] = [
    Expected(
      status: 400,
      title: "Invalid request",
      detail: "The request body failed validation.",
      code: "invalid_request",
      question: {
        var question = $0.restore()
        question.body = "{}"
        return question
      }
    ),
    Expected(
      status: 401,
      title: "Unauthorized",
      detail: "Authentication is required.",
      code: "unauthorized",
      question: {
        var question = $0.restore()
        question.key = nil
        return question
      }
    ),
    Expected(
      status: 403,
      title: "Forbidden",
      detail: "The caller lacks a required scope or does not own the resource.",
      code: "forbidden",
      question: {
        var question = $0.restore()
        question.key = try await $0.newKey([.readVM])
        return question
      }
    ),
    Expected(
      status: 404,
      title: "Not found",
      detail: "The requested resource could not be found.",
      code: "not_found",
      question: { $0.restore(backup: "bkp_01hxa3b4c5d6e7f8g9h0j1k2m3") }
    ),
  ]

  @Test(arguments: expected) func `A problem has the seed's fields`(
    _ expected: Expected
  ) async throws {
    try await World.with { world, client in
      let question = try await expected.question(world)
      let answer = try await question.ask(client)
      var names: Set<String> = [
        "type", "title", "status", "detail", "code", "instance", "requestId", "timestamp",
      ]
      if expected.status == 400 { names.insert("errors") }
      if expected.status == 403 { names.insert("extensions") }
      let json = answer.json
      #expect(json.names == names)
      #expect(answer.status == expected.status)
      #expect(answer.header("Content-Type") == "application/problem+json")
      #expect(json["status"] == .number(String(expected.status)))
      #expect(json["type"] == .string("https://developer.hostup.se/errors/\(expected.code)"))
      #expect(json["title"] == .string(expected.title))
      #expect(json["detail"] == .string(expected.detail))
      #expect(json["code"] == .string(expected.code))
      #expect(json["instance"] == .string(question.path))
      #expect(json["timestamp"] == .string("2026-04-27T12:34:56.000Z"))
      let requestID = try #require(json["requestId"]?.text)
      #expect(RequestID(requestID) != nil)
      #expect(answer.header("X-Request-Id") == requestID)
    }
  }

  @Test func `Faults have the seed's pointer, detail and code`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.body = "{}"
      let answer = try await question.ask(client)
      let fault = try #require(answer.json["errors"]?[0])
      #expect(fault.names == ["pointer", "detail", "code"])
      #expect(fault["pointer"] == .string("/sourceVpsId"))
      #expect(fault["detail"] == .string("`sourceVpsId` is required."))
      #expect(fault["code"] == .string("missing_required"))
      #expect(answer.faults == ["/sourceVpsId missing_required", "/backupId missing_required"])
    }
  }

  @Test func `The base of a problem's type is configurable`() async throws {
    try await World.with(typeBase: "https://example.org/problems") { world, client in
      let answer = try await Question("GET", "/api/v2/vps").ask(client)
      #expect(answer.json["type"] == .string("https://example.org/problems/unauthorized"))
    }
  }
}
