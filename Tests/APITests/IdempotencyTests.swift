import API
import Catalog
import Foundation
import HTTPTypes
import HummingbirdTesting
import Logging
import Model
import NIOCore
import Operations
import TestSupport
import Testing

/// A POST that comes again is done once.
@Suite struct IdempotencyTests {
  static let posts = MatrixTests.routes.filter { $0.name.hasPrefix("POST ") }

  @Test(arguments: posts) func `Every POST that comes again gets its first answer`(
    _ route: MatrixTests.Route
  ) async throws {
    try await World.with { world, client in
      var question = try await route.question(world)
      question.key = world.key
      question.headers["Idempotency-Key"] = "a-1"
      let first = try await question.ask(client)
      #expect(first.status == route.status)
      #expect(first.header("Idempotency-Replayed") == nil)
      let again = try await question.ask(client)
      #expect(again.status == first.status)
      #expect(again.text == first.text)
      #expect(again.header("Content-Type") == first.header("Content-Type"))
      #expect(again.header("Idempotency-Replayed") == "true")
      #expect(again.header("X-Request-Id") != first.header("X-Request-Id"))
    }
  }

  @Test
  func `A rolled key's successor gets the answers that it was given, not the other way round`()
    async throws
  {
    try await World.with { world, client in
      let old = try #require(KeyText(world.key))
      let rolled = try await world.operations.rollKey(
        world.system,
        old.id.text,
        grace: .seconds(60)
      )
      let next = try await world.operations.rollKey(
        world.system,
        rolled.key.id.text,
        grace: .seconds(60)
      )
      let newest = next.text.secret.reveal()
      var question = world.restore()
      question.headers["Idempotency-Key"] = "first"
      let first = try await question.ask(client)
      #expect(first.status == 202)
      question.key = newest
      let again = try await question.ask(client)
      #expect(again.status == 202 && again.text == first.text)
      #expect(again.header("Idempotency-Replayed") == "true")
      question.body = #"{"sourceVpsId": "x", "backupId": "y"}"#
      #expect(try await question.ask(client).code == "idempotency_key_reused")

      var schedule = Question(
        "POST",
        "/api/v2/vps/\(world.target.id)/backup-schedules",
        key: newest,
        body: #"{"frequency": "daily", "hour": 3, "retentionCount": 2, "enabled": true}"#,
        headers: ["Idempotency-Key": "second"]
      )
      try await schedule.expect(201, client)
      schedule.key = world.key
      let other = try await schedule.ask(client)
      #expect(other.status == 201 && other.header("Idempotency-Replayed") == nil)
    }
  }

  @Test func `A hundred equal requests at once make one job`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.headers["Idempotency-Key"] = "once"
      let answers = try await Self.ask(question, 100, [client])
      try await Self.expectOneJob(world, answers)
    }
  }

  @Test func `Equal requests to two processes make one job`() async throws {
    try await World.with { world, client in
      let other = APIServer(
        operations: Operations(
          catalog: try SQLiteCatalog(path: world.catalogPath),
          clock: world.clock,
          logger: Logger(label: "rehome.tests")
        ),
        readiness: world.readiness,
        configuration: APIConfiguration(
          port: 0,
          typeBase: "https://example.com/",
          rates: World.unlimited
        ),
        clock: world.clock,
        logger: Logger(label: "rehome.tests")
      )
      var question = world.restore()
      question.headers["Idempotency-Key"] = "once"
      let asked = question
      let answers = try await other.application.test(.router) { second in
        try await Self.ask(asked, 40, [client, second])
      }
      try await Self.expectOneJob(world, answers)
    }
  }

  private static func ask(
    _ question: Question,
    _ count: Int,
    _ clients: [any TestClientProtocol]
  ) async throws -> [Answer] {
    try await withThrowingTaskGroup(of: Answer.self) { group in
      for number in 0..<count {
        group.addTask { try await question.ask(clients[number % clients.count]) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
  }

  private static func expectOneJob(_ world: World, _ answers: [Answer]) async throws {
    #expect(Set(answers.map(\.status)) == [202])
    #expect(Set(answers.map(\.text)).count == 1)
    #expect(answers.count { $0.header("Idempotency-Replayed") == nil } == 1)
    #expect(try await world.operations.jobs(world.system).count == 1)
    let accepted = try await world.operations.read {
      try $0.auditRecords(AuditFilter(action: "restore.accept"))
    }
    #expect(accepted.count == 1)
  }

  @Test func `The same key with anything else is a conflict`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.headers["Idempotency-Key"] = "k"
      try await question.expect(202, client)
      let (body, path) = (question.body, question.path)
      var others: [Question] = []
      question.body = body?.replacing("\n", with: " ")
      others.append(question)
      question.body = body
      question.path = path.replacing(world.target.id.text, with: world.source.id.text)
      others.append(question)
      question.path = "/api/v2/vps/\(world.source.id)/backups"
      question.body = nil
      others.append(question)
      for other in others {
        let answer = try await other.ask(client)
        #expect(answer.status == 409)
        #expect(answer.code == "idempotency_key_reused")
        #expect(answer.header("Idempotency-Replayed") == nil)
      }
      #expect(try await world.operations.jobs(world.system).count == 1)
    }
  }

  @Test func `One key's requests say nothing of another's`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.headers["Idempotency-Key"] = "k"
      try await question.expect(202, client)
      question.key = try await world.newKey(Scope.allCases)
      let answer = try await question.ask(client)
      #expect(answer.status == 409)
      #expect(answer.code == "vps_not_ready")
    }
  }

  @Test func `A refusal isn't kept`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.headers["Idempotency-Key"] = "k"
      try await world.observe(world.target) { $0.snapshotCount = 1 }
      try await question.expect(409, client)
      try await world.observe(world.target) { _ in }
      let answer = try await question.ask(client)
      #expect(answer.status == 202)
      #expect(answer.header("Idempotency-Replayed") == nil)
    }
  }

  @Test func `Without the header nothing is kept, and a GET doesn't care`() async throws {
    try await World.with { world, client in
      let question = world.restore()
      try await question.expect(202, client)
      try await question.expect(409, client)
      let headers = ["Idempotency-Key": " "]
      try await Question("GET", "/api/v2/vps", key: world.key, headers: headers)
        .expect(200, client)
    }
  }

  @Test func `An answer is kept for a day`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.headers["Idempotency-Key"] = "k"
      let first = try await question.ask(client)
      world.clock.advance(by: Limits.idempotencyLifetime - .milliseconds(1))
      try await world.operations.forgetOldAnswers()
      #expect(try await question.ask(client).text == first.text)
      world.clock.advance(by: .milliseconds(1))
      // Nobody has tidied up yet, but the day is over: the rules judge it as a new request.
      let late = try await question.ask(client)
      #expect(late.status == 409)
      #expect(late.code == "vps_not_ready")
    }
  }

  @Test func `Housekeeping forgets what is too old, and that alone`() async throws {
    try await World.with { world, client in
      let path = "/api/v2/vps/\(world.source.id)/backups"
      let headers = ["Idempotency-Key": "old"]
      try await Question("POST", path, key: world.key, headers: headers).expect(202, client)
      let keyID = try #require(KeyText(world.key)?.id)
      let kept = { @Sendable in
        try await world.operations.read { try $0.idempotencyRecord(of: keyID, "old") != nil }
      }
      world.clock.advance(by: Limits.idempotencyLifetime)
      try await world.operations.forgetOldAnswers()
      #expect(try await kept())
      world.clock.advance(by: .milliseconds(1))
      try await world.operations.forgetOldAnswers()
      #expect(try await !kept())
    }
  }

  static let badHeaders: [(value: String, fault: String)] = [
    ("", " invalid_value"), ("two words", " invalid_value"), ("sch\u{F6}n", " invalid_value"),
    (String(repeating: "k", count: 256), " too_long"),
  ]

  @Test(arguments: badHeaders) func `A header that names nothing is told`(
    _ row: (value: String, fault: String)
  ) async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.headers["Idempotency-Key"] = row.value
      let answer = try await question.ask(client)
      #expect(answer.status == 400)
      #expect(answer.code == "invalid_request")
      #expect(answer.faults == [row.fault])
      question.headers["Idempotency-Key"] = String(repeating: "~", count: 255)
      try await question.expect(202, client)
    }
  }

  @Test func `The header twice is neither`() async throws {
    try await World.with { world, client in
      var fields: HTTPFields = [.authorization: "Bearer \(world.key)"]
      let name = try #require(HTTPField.Name("Idempotency-Key"))
      fields.append(HTTPField(name: name, value: "a"))
      fields.append(HTTPField(name: name, value: "b"))
      let answer = try Answer(
        await client.execute(
          uri: "/api/v2/vps/\(world.source.id)/backups",
          method: .post,
          headers: fields,
          body: nil
        )
      )
      #expect(answer.faults == [" duplicate_field"])
    }
  }

  @Test func `Who asks and what was sent come before whether it came before`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.headers["Idempotency-Key"] = "k"
      try await question.expect(202, client)
      var other = question
      other.key = world.unknownKey()
      try await other.expect(401, client)
      other.key = try await world.newKey([.readVM])
      try await other.expect(403, client)
      other = question
      other.body = String(repeating: " ", count: Limits.requestBodyBytes + 1)
      try await other.expect(413, client)
      other = question
      other.headers["Content-Type"] = "text/plain"
      try await other.expect(415, client)
      other = question
      other.body = "{}"
      try await other.expect(400, client)
      // And it comes before the rules, or a request that comes again would meet its own job.
      try await world.setStatus(.suspended, of: world.target)
      try await question.expect(202, client)
    }
  }
}
