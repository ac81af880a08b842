import API
import Foundation
import HTTPTypes
import HummingbirdTesting
import Model
import TestSupport
import Testing

/// Every route against every kind of key.
@Suite struct MatrixTests {
  /// One route, with what a caller needs for it.
  struct Route: Sendable, CustomTestStringConvertible {
    var testDescription: String { name }
    /// As the API declares it.
    var name: String
    /// The scopes that open it; none: any key of the owner does.
    var scope: Scope?
    var status: Int
    /// What another client's key is answered.
    var foreignStatus = 404
    var question: @Sendable (World) async throws -> Question
  }

  static let routes: [Route] = [
    Route(name: "GET /api/jobs/{jobId}", scope: nil, status: 200) {
      Question("GET", "/api/jobs/\(try await $0.addJob().id)")
    },
    Route(name: "GET /api/jobs/{jobId}/events", scope: nil, status: 200) {
      let job = try await $0.addJob {
        $0.state = .completed
        $0.finishedAt = $0.createdAt
      }
      return Question("GET", "/api/jobs/\(job.id)/events")
    },
    Route(name: "POST /api/jobs/{jobId}/actions/cancel", scope: .backupVM, status: 202) {
      Question("POST", "/api/jobs/\(try await $0.addJob().id)/actions/cancel")
    },
    Route(name: "POST /api/jobs/{jobId}/actions/undo", scope: .backupVM, status: 202) {
      Question("POST", "/api/jobs/\(try await $0.addUndoableRestore().id)/actions/undo")
    },
    Route(name: "GET /api/v2/vps", scope: .readVM, status: 200, foreignStatus: 200) { _ in
      Question("GET", "/api/v2/vps")
    },
    Route(name: "GET /api/v2/vps/{id}", scope: .readVM, status: 200) {
      Question("GET", "/api/v2/vps/\($0.target.id)")
    },
    Route(name: "GET /api/v2/vps/{id}/details", scope: .readVM, status: 200) {
      Question("GET", "/api/v2/vps/\($0.target.id)/details")
    },
    Route(name: "GET /api/v2/vps/{id}/status", scope: .readVM, status: 200) {
      Question("GET", "/api/v2/vps/\($0.target.id)/status")
    },
    Route(name: "POST /api/v2/vps/{id}/actions/start", scope: .powerVM, status: 202) { world in
      try await world.observe(world.target) { $0.powerState = .stopped }
      return Question("POST", "/api/v2/vps/\(world.target.id)/actions/start")
    },
    Route(name: "POST /api/v2/vps/{id}/actions/shutdown", scope: .powerVM, status: 202) {
      Question("POST", "/api/v2/vps/\($0.target.id)/actions/shutdown")
    },
    Route(name: "POST /api/v2/vps/{id}/actions/stop", scope: .powerVM, status: 202) {
      Question("POST", "/api/v2/vps/\($0.target.id)/actions/stop")
    },
    Route(name: "POST /api/v2/vps/{id}/actions/restart", scope: .powerVM, status: 202) {
      Question("POST", "/api/v2/vps/\($0.target.id)/actions/restart")
    },
    Route(name: "POST /api/v2/vps/{id}/actions/reset", scope: .powerVM, status: 202) {
      Question("POST", "/api/v2/vps/\($0.target.id)/actions/reset")
    },
    Route(name: "GET /api/v2/vps/{id}/backup-schedules", scope: .readVM, status: 200) {
      Question("GET", "/api/v2/vps/\($0.target.id)/backup-schedules")
    },
    Route(name: "POST /api/v2/vps/{id}/backup-schedules", scope: .writeVM, status: 201) {
      Question(
        "POST",
        "/api/v2/vps/\($0.target.id)/backup-schedules",
        body: #"{"frequency":"daily","hour":3,"retentionCount":7}"#
      )
    },
    Route(
      name: "PATCH /api/v2/vps/{id}/backup-schedules/{scheduleId}",
      scope: .writeVM,
      status: 200
    ) {
      Question(
        "PATCH",
        "/api/v2/vps/\($0.target.id)/backup-schedules/\(try await $0.addSchedule().id)",
        body: "{}"
      )
    },
    Route(
      name: "DELETE /api/v2/vps/{id}/backup-schedules/{scheduleId}",
      scope: .writeVM,
      status: 204
    ) {
      Question(
        "DELETE",
        "/api/v2/vps/\($0.target.id)/backup-schedules/\(try await $0.addSchedule().id)"
      )
    },
    Route(name: "GET /api/v2/vps/{id}/backups", scope: .readVM, status: 200) {
      Question("GET", "/api/v2/vps/\($0.source.id)/backups")
    },
    Route(name: "POST /api/v2/vps/{id}/backups", scope: .backupVM, status: 202) {
      Question("POST", "/api/v2/vps/\($0.source.id)/backups")
    },
    Route(name: "DELETE /api/v2/vps/{id}/backups/{backupId}", scope: .backupVM, status: 204) {
      Question("DELETE", "/api/v2/vps/\($0.source.id)/backups/\($0.backup.id)")
    },
    Route(
      name: "GET /api/v2/vps/{id}/backups/restore-sources",
      scope: .backupVM,
      status: 200
    ) {
      Question("GET", "/api/v2/vps/\($0.target.id)/backups/restore-sources")
    },
    Route(
      name: "POST /api/v2/vps/{id}/backups/actions/restore-from-vps",
      scope: .backupVM,
      status: 202
    ) {
      $0.restore()
    },
    Route(
      name: "POST /api/v2/vps/{id}/backups/{backupId}/actions/restore",
      scope: .backupVM,
      status: 202
    ) {
      Question("POST", "/api/v2/vps/\($0.source.id)/backups/\($0.backup.id)/actions/restore")
    },
  ]

  /// The routes that anybody may ask.
  static let open = [
    "GET /api/openapi.json", "GET /api/reference", "GET /errors/{code}", "GET /healthz",
    "GET /readyz",
  ]

  @Test func `The matrix has every route that asks for a key`() async throws {
    try await World.with { world, _ in
      #expect(world.server.routes.sorted() == (Self.open + Self.routes.map(\.name)).sorted())
    }
  }

  @Test func `A route that needs a key opens to nobody without one`() async throws {
    try await World.with { world, client in
      for route in world.server.routes where !Self.open.contains(route) {
        let words = route.split(separator: " ")
        let path = words[1].replacing(/{[A-Za-z]+}/, with: "x")
        try await Question(String(words[0]), String(path)).expect(401, client)
        world.clock.advance(by: .seconds(60))
      }
    }
  }

  @Test func `The API's page has every route`() async throws {
    let page = try String(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources/API/API.docc/API.md"),
      encoding: .utf8
    )
    try await World.with { world, _ in
      for route in world.server.routes { #expect(page.contains("| `\(route)` |"), "\(route)") }
    }
  }

  @Test(arguments: routes) func `The right key opens it, by either header`(
    _ route: Route
  ) async throws {
    for header in ["Authorization", "X-API-Key"] {
      try await World.with { world, client in
        var question = try await route.question(world)
        question.key = nil
        question.headers[header] = header == "Authorization" ? "bearer  \(world.key)" : world.key
        let answer = try await question.ask(client)
        #expect(answer.status == route.status, "\(answer.text)")
        #expect(answer.header("X-Request-Id") != nil)
      }
    }
  }

  @Test(arguments: routes) func `The scope alone opens it`(_ route: Route) async throws {
    try await World.with { world, client in
      var question = try await route.question(world)
      question.key = try await world.newKey([route.scope ?? .powerVM])
      try await question.expect(route.status, client)
    }
  }

  @Test(arguments: routes) func `All other scopes don't`(_ route: Route) async throws {
    guard let scope = route.scope else { return }
    try await World.with { world, client in
      var question = try await route.question(world)
      question.key = try await world.newKey(Scope.allCases.filter { $0 != scope })
      let answer = try await question.ask(client)
      #expect(answer.status == 403)
      #expect(answer.code == "forbidden")
      #expect(
        answer.json["extensions"]?["requiredScopes"] == .array([.string(scope.rawValue)])
      )
    }
  }

  @Test(arguments: routes) func `Another client's key finds nothing`(_ route: Route) async throws {
    try await World.with { world, client in
      var question = try await route.question(world)
      question.key = world.foreignKey
      let answer = try await question.ask(client)
      #expect(answer.status == route.foreignStatus)
      #expect(!answer.text.contains(world.client.id.text))
      #expect(!answer.text.contains(#""name":"target""#))
    }
  }

  @Test(arguments: routes) func `No good key opens nothing, and all answers are alike`(
    _ route: Route
  ) async throws {
    try await World.with { world, client in
      let expired = try await world.newKey(Scope.allCases, lifetime: .seconds(1))
      let revoked = try await world.revokedKey()
      world.clock.advance(by: .seconds(1))
      let unknown = world.unknownKey()
      let wrongSecret = String(world.key.dropLast(3)) + "AAA"
      var question = try await route.question(world)
      question.key = nil
      let authorizations = [
        nil, "", "Bearer", "Bearer ", "Basic \(world.key)", world.key,
        "Bearer \(world.key) \(world.key)", "Bearer \(world.key),", "Bearer nonsense",
        "Bearer \(unknown)", "Bearer \(wrongSecret)", "Bearer \(revoked)", "Bearer \(expired)",
      ]
      for authorization in authorizations {
        question.headers["Authorization"] = authorization
        let answer = try await question.ask(client)
        #expect(answer.status == 401, "\(authorization ?? "none")")
        #expect(answer.code == "unauthorized")
        #expect(answer.header("WWW-Authenticate") == "Bearer")
        #expect(answer.json["extensions"] == nil)
      }
    }
  }

  @Test func `Two keys in one request are none, and Authorization is believed first`()
    async throws
  {
    try await World.with { world, client in
      let good = "Bearer \(world.key)"
      let answers: [(fields: HTTPFields, status: Int)] = [
        ([.authorization: good], 200),
        ([.authorization: good, .authorization: good], 401),
        ([.authorization: "Bearer nonsense", Self.apiKey: world.key], 401),
        ([.authorization: good, Self.apiKey: "nonsense"], 200),
        ([Self.apiKey: world.key, Self.apiKey: world.key], 401),
      ]
      for (fields, status) in answers {
        let answer = try await client.execute(uri: "/api/v2/vps", method: .get, headers: fields)
        #expect(answer.status.code == status)
      }
    }
  }

  private static let apiKey = HTTPField.Name("X-API-Key") ?? .authorization
}
