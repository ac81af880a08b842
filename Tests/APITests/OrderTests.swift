import API
import Model
import Testing

/// Which of two faults of one request is answered: who you are comes before what you sent.
@Suite struct OrderTests {
  @Sendable private static func one(_ configuration: inout APIConfiguration) {
    configuration.rates = RateLimits(
      write: RateLimit(perMinute: 1, burst: 1),
      address: RateLimit(perMinute: 1, burst: 1)
    )
  }

  private static let large = String(repeating: " ", count: Limits.requestBodyBytes + 1)

  @Test func `The address's limit before 401`() async throws {
    try await World.with(configure: Self.one) { world, client in
      var question = world.restore()
      question.key = "nonsense"
      try await question.expect(401, client)
      try await question.expect(429, client)
    }
  }

  @Test func `401 before the key's limit`() async throws {
    try await World.with(configure: Self.one) { world, client in
      try await world.restore().expect(202, client)
      var question = world.restore()
      question.key = try await world.revokedKey()
      try await question.expect(401, client)
    }
  }

  @Test func `The key's limit before 403`() async throws {
    try await World.with(configure: Self.one) { world, client in
      var question = world.restore()
      question.key = try await world.newKey([.readVM])
      try await question.expect(403, client)
      try await question.expect(429, client)
    }
  }

  @Test func `403 before 413`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.key = try await world.newKey([.readVM])
      question.body = Self.large
      try await question.expect(403, client)
    }
  }

  @Test func `403 before 415 where the scope is the job's`() async throws {
    try await World.with { world, client in
      let job = try await world.addJob()
      var question = Question("POST", "/api/jobs/\(job.id)/actions/cancel", key: world.key)
      question.key = try await world.newKey([.readVM])
      question.headers["Content-Type"] = "text/plain"
      question.body = "{"
      try await question.expect(403, client)
    }
  }

  @Test func `413 before 415`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.body = Self.large
      question.headers["Content-Type"] = "text/plain"
      try await question.expect(413, client)
    }
  }

  @Test func `415 before 400`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.body = "{"
      question.headers["Content-Type"] = "text/plain"
      try await question.expect(415, client)
    }
  }

  @Test func `400 before the rules`() async throws {
    try await World.with { world, client in
      var question = world.restore(to: world.foreign)
      question.body = "{"
      try await question.expect(400, client)
    }
  }

  @Test func `An unknown path before 401, and a wrong method, too`() async throws {
    try await World.with { _, client in
      try await Question("GET", "/api/v2/nothing").expect(404, client)
      try await Question("PATCH", "/api/v2/vps").expect(405, client)
    }
  }
}
