import HTTPTypes
import HummingbirdTesting
import Logging
import Model
import Monitoring
import Operations
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import API

/// What requests leave behind: counts, lines, and never a key.
@Suite(.timeLimit(.minutes(5))) struct FigureTests {
  private static func lines(_ world: World) -> [Substring] {
    ExpositionText.of(world.figures.families()).split(separator: "\n")
  }

  @Test func `requests are counted by template, method and status`() async throws {
    try await World.with { world, client in
      for vps in [world.target, world.source] {
        try await Question("GET", "/api/v2/vps/\(vps.id)", key: world.key).expect(200, client)
      }
      try await Question("GET", "/api/v2/vps/\(world.foreign.id)", key: world.key)
        .expect(404, client)
      try await Question("GET", "/api/v2/vps/\(world.target.id)").expect(401, client)
      for number in 0..<3 { try await Question("GET", "/no/\(number)").expect(404, client) }
      _ = try await Question("BREW\(Int.random(in: 0...99))", "/healthz").ask(client)
      let lines = Self.lines(world)
      for (labels, count) in [
        (#"route="/api/v2/vps/{id}",method="GET",status="200""#, 2),
        (#"route="/api/v2/vps/{id}",method="GET",status="404""#, 1),
        (#"route="/api/v2/vps/{id}",method="GET",status="401""#, 1),
        (#"route="none",method="GET",status="404""#, 3),
        (#"route="none",method="other",status="405""#, 1),
      ] {
        #expect(lines.contains("rehome_http_requests_total{\(labels)} \(count)"), "\(labels)")
      }
      let durations = #"rehome_http_request_duration_seconds_count{route="/api/v2/vps/{id}","#
      #expect(lines.contains("\(durations)method=\"GET\"} 4"))
      #expect(lines.contains("rehome_http_requests_in_flight 0"))
      #expect(!lines.contains { $0.contains(world.target.id.text) })
    }
  }

  @Test func `what isn't a request is counted, with nothing of it in the labels`() async throws {
    try await World.live { world, connection in
      for text in ["nonsense\r\n\r\n", "BREW /x HTTP/1.1\r\nHost: x\r\n\r\n"] {
        _ = try await connection.answers(to: text)
      }
      let labels = #"route="unreadable",method="other",status="400""#
      let line = "rehome_http_requests_total{\(labels)} 2"
      // The answer is with the client a moment before it is counted.
      while !Self.lines(world).contains(Substring(line)) {
        try await Task.sleep(for: .milliseconds(5))
      }
      #expect(!Self.lines(world).contains { $0.contains("route=\"none\"") })
    }
  }

  @Test func `too many requests are counted apart`() {
    let registry = MetricRegistry()
    let figures = RequestFigures(registry)
    figures.begin()
    figures.end(route: "/x", method: .get, status: .tooManyRequests, after: .milliseconds(1))
    figures.begin()
    figures.end(route: "/x", method: .get, status: .ok, after: .milliseconds(1))
    let text = ExpositionText.of(registry.families())
    #expect(text.contains("\nrehome_http_rate_limited_total{route=\"/x\"} 1\n"))
  }

  @Test func `every line of a request names it, and no line has its key`() async throws {
    let lines = Mutex<[String]>([])
    var logger = Logger(label: "rehome") { label in
      LineLogHandler(label: label, format: .json) { line, _ in lines.withLock { $0.append(line) } }
    }
    logger.logLevel = .trace
    try await World.with(logger: logger) { world, client in
      let key = world.key
      let secret = try #require(key.split(separator: "_", maxSplits: 2).last)
      let answers = [
        try await Question("GET", "/api/v2/vps", key: key).ask(client),
        try await Question("GET", "/api/v2/vps?name=\(key)", key: key).ask(client),
        try await Question("GET", "/api/v2/vps/\(key)", key: key).ask(client),
        try await Question("GET", "/\(key)/x", headers: ["X-API-Key": key]).ask(client),
        try await Question("GET", "/api/v2/vps", headers: ["Cookie": key, "X-Odd": key])
          .ask(client),
        try await Question("POST", "/api/v2/vps/\(key)/backups", key: key, body: "{\"\(key)\":1}")
          .ask(client),
      ]
      let written = lines.withLock { $0 }
      #expect(written.count >= answers.count)
      #expect(!written.contains { $0.contains(secret.prefix(8)) })
      for answer in answers {
        let id = try #require(answer.header("X-Request-Id"))
        #expect(written.contains { $0.contains("\"request.id\":\"\(id)\"") })
      }
      for line in written where line.contains("\"message\":\"request\"") {
        #expect(line.contains("\"request.id\":\"req_"))
      }
    }
  }

  @Test func `a server that is ending isn't ready, whatever its parts are`() async throws {
    try await World.with { world, client in
      try await world.beat()
      await world.readiness.lookOnce()
      try await Question("GET", "/readyz").expect(200, client)
      let asked = Mutex<Answer?>(nil)
      let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
          services: [
            Asker {
              let answer = try await Question("GET", "/readyz").ask(client)
              asked.withLock { $0 = answer }
            }
          ],
          logger: .quiet
        )
      )
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
      }
      let answer = try #require(asked.withLock { $0 })
      #expect(answer.status == 503)
      #expect(answer.json["extensions"]?["parts"]?["server"] == .string("ending"))
      #expect(answer.json["extensions"]?["parts"]?["catalog"] == .string("ok"))
    }
  }

  /// Does something when the server ends.
  struct Asker: Service {
    let body: @Sendable () async throws -> Void

    func run() async throws {
      try await gracefulShutdown()
      try await body()
    }
  }
}
