import API
import Catalog
import Hummingbird
import HummingbirdTesting
import Logging
import Model
import Operations
import Synchronization
import TestSupport
import Testing

/// What clients and logs learn when the server itself fails.
@Suite struct FaultTests {
  /// A catalog of which every call fails.
  struct BrokenCatalog: Catalog {
    let error: CatalogError

    func read<Value: Sendable>(
      _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
    ) async throws(CatalogFault) -> Value {
      throw .failed(error)
    }

    func write<Value: Sendable>(
      _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
    ) async throws(CatalogFault) -> Value {
      throw .failed(error)
    }

    func check() async throws(CatalogFault) {
      throw .failed(error)
    }

    func version() -> CatalogVersion? { nil }
  }

  /// One line of a log.
  struct Line: Sendable {
    let level: Logger.Level
    let message: String
    let metadata: Logger.Metadata
  }

  /// Keeps what is logged.
  final class Log: Sendable {
    let lines = Mutex<[Line]>([])

    var logger: Logger {
      var logger = Logger(label: "rehome.tests") { _ in Handler(log: self) }
      logger.logLevel = .info
      return logger
    }

    struct Handler: LogHandler {
      let log: Log
      var metadata: Logger.Metadata = [:]
      var logLevel = Logger.Level.info

      subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
      }

      func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        log.lines.withLock {
          $0.append(Line(level: event.level, message: "\(event.message)", metadata: all))
        }
      }
    }
  }

  private struct Surprise: Error {
    let secret = "/srv/secret/path"
  }

  private static func server(_ error: CatalogError, _ log: Log) -> APIServer {
    let clock = ManualClock(World.start)
    let operations = Operations(
      catalog: BrokenCatalog(error: error),
      clock: clock,
      logger: log.logger
    )
    return APIServer(
      operations: operations,
      readiness: Readiness(parts: operations.parts, clock: clock),
      configuration: APIConfiguration(typeBase: "https://developer.hostup.se/errors/"),
      clock: clock,
      logger: log.logger
    )
  }

  private static let question = Question(
    "GET",
    "/api/v2/vps?name=x",
    key: "rh_01hxa3b4c5d6e7f8g9h0j1k2m3_\(String(repeating: "A", count: 43))"
  )

  @Test func `A failed catalog is the seed's 500, which tells nothing`() async throws {
    let server = Self.server(.failed("no such table: secret"), Log())
    try await server.application.test(.router) { client in
      let answer = try await Self.question.ask(client)
      #expect(answer.status == 500)
      #expect(answer.code == "internal_error")
      #expect(answer.json["title"] == .string("Internal server error"))
      #expect(
        answer.json["detail"]
          == .string(
            "An unexpected error occurred. Retry later or contact support if the issue persists."
          )
      )
      #expect(!answer.text.contains("secret"))
    }
  }

  @Test func `A busy catalog is a 503 with a time to come back`() async throws {
    let server = Self.server(.busy("locked"), Log())
    try await server.application.test(.router) { client in
      let answer = try await Self.question.ask(client)
      #expect(answer.status == 503)
      #expect(answer.code == "service_unavailable")
      let seconds = try #require(answer.header("Retry-After").flatMap(Int.init))
      #expect(seconds >= 1)
      let ready = try await Question("GET", "/readyz").ask(client)
      #expect(ready.status == 503)
      #expect(ready.json["extensions"]?["parts"]?["catalog"] != .string("ok"))
    }
  }

  @Test func `What nobody expected is logged with the request and told to nobody`() async throws {
    let log = Log()
    let server = Self.server(.failed(""), log)
    let router = server.router
    router.get("/boom") { _, _ -> Response in throw Surprise() }
    try await Application(router: router, logger: log.logger).test(.router) { client in
      let answer = try await Question("GET", "/boom").ask(client)
      #expect(answer.status == 500)
      #expect(answer.header("Content-Type") == "application/problem+json")
      #expect(!answer.text.contains("secret"))
      let id = try #require(answer.header("X-Request-Id"))
      let lines = log.lines.withLock { $0 }
      let line = try #require(lines.first { $0.level == .error })
      #expect(line.metadata["request.id"] == "\(id)")
      #expect("\(line.metadata["error"] ?? "")".contains("Surprise"))
    }
  }

  @Test func `A request is one line, without its key, its query or its body`() async throws {
    let log = Log()
    try await Self.server(.busy(""), log).application.test(.router) { client in
      let answer = try await Self.question.ask(client)
      let lines = log.lines.withLock { $0 }.filter { $0.level == .info }
      #expect(lines.count == 1)
      let line = try #require(lines.first)
      #expect(line.message == "request")
      #expect(line.metadata["status"] == "503")
      #expect(line.metadata["method"] == "GET")
      #expect(line.metadata["path"] == "/api/v2/vps")
      #expect(line.metadata["route"] == "/api/v2/vps")
      #expect(line.metadata["request.id"]?.description == answer.header("X-Request-Id"))
      #expect(!"\(line)".contains("rh_") && !"\(line)".contains("name=x"))
    }
  }
}
