import API
import HummingbirdTesting
import Model
import Operations
import TestSupport
import Testing

/// `/api/v2/vps/{id}/backup-schedules`.
@Suite struct ScheduleTests {
  private static func path(_ world: World) -> String {
    "/api/v2/vps/\(world.target.id)/backup-schedules"
  }

  private static let daily = #"{"frequency":"daily","hour":3,"retentionCount":7}"#

  private static func post(_ world: World, _ body: String) -> Question {
    Question("POST", path(world), key: world.key, body: body)
  }

  @Test func `a schedule is made, shown, changed and removed`() async throws {
    try await World.with { world, client in
      let made = try await Self.post(
        world,
        #"{"frequency":"weekly","hour":3,"dayOfWeek":0,"retentionCount":7,"enabled":true,"name":"w"}"#
      ).ask(client)
      #expect(made.status == 201, "\(made.text)")
      #expect(
        made.json.names == [
          "id", "name", "frequency", "time", "daySpecifier", "hour", "dayOfWeek", "dayOfMonth",
          "retentionCount", "enabled", "nextRunAt", "lastRun",
        ]
      )
      let id = try #require(made.json["id"]?.text)
      #expect(id.hasPrefix("bks_"))
      #expect(made.json["time"] == .string("03:00"))
      #expect(made.json["daySpecifier"] == .string("sunday"))
      #expect(made.json["nextRunAt"] == .string("2026-05-03T03:00:00.000Z"))
      #expect(made.json["lastRun"] == .null)

      let list = try await Question("GET", Self.path(world), key: world.key).ask(client)
      #expect(list.json.names == ["schedules"])
      #expect(list.json["schedules"]?.elements == [made.json])

      let one = "\(Self.path(world))/\(id)"
      let changed = try await Question(
        "PATCH",
        one,
        key: world.key,
        body: #"{"frequency":"monthly","dayOfMonth":31,"name":null,"enabled":false}"#
      ).ask(client)
      #expect(changed.status == 200, "\(changed.text)")
      #expect(changed.json["daySpecifier"] == .string("31"))
      #expect(changed.json["dayOfWeek"] == .null)
      #expect(changed.json["name"] == .null)
      #expect(changed.json["hour"] == .number("3"))
      #expect(changed.json["nextRunAt"] == .null)

      let remove = Question("DELETE", one, key: world.key)
      try await remove.expect(204, client)
      try await remove.expect(404, client)
    }
  }

  static let faulty: [(body: String, faults: [String])] = [
    (
      "{}",
      ["/frequency missing_required", "/hour missing_required", "/retentionCount missing_required"]
    ),
    (
      #"{"frequency":"hourly","hour":24,"retentionCount":0}"#,
      ["/frequency invalid_value", "/hour invalid_value", "/retentionCount invalid_value"]
    ),
    (
      #"{"frequency":1,"hour":"3","retentionCount":1.5}"#,
      ["/frequency invalid_type", "/hour invalid_type", "/retentionCount invalid_type"]
    ),
    (#"{"frequency":"weekly","hour":3,"retentionCount":1}"#, ["/dayOfWeek missing_required"]),
    (
      #"{"frequency":"weekly","hour":3,"retentionCount":1,"dayOfWeek":7}"#,
      ["/dayOfWeek invalid_value"]
    ),
    (
      #"{"frequency":"daily","hour":3,"retentionCount":1,"dayOfWeek":1,"dayOfMonth":1}"#,
      ["/dayOfWeek invalid_value", "/dayOfMonth invalid_value"]
    ),
    (
      #"{"frequency":"monthly","hour":3,"retentionCount":1,"dayOfMonth":32}"#,
      ["/dayOfMonth invalid_value"]
    ),
    (#"{"frequency":"daily","hour":3,"retentionCount":1e99}"#, ["/retentionCount invalid_value"]),
    (
      #"{"frequency":"daily","hour":-1,"retentionCount":1,"enabled":"no","minute":1}"#,
      ["/hour invalid_value", "/enabled invalid_type", "/minute unknown_field"]
    ),
    (
      #"{"frequency":"daily","hour":3,"retentionCount":1,"name":"a\u0007"}"#,
      ["/name invalid_value"]
    ),
  ]

  @Test(arguments: faulty)
  func `every fault of a schedule is told by its pointer`(
    _ body: String,
    _ faults: [String]
  ) async throws {
    try await World.with { world, client in
      let answer = try await Self.post(world, body).ask(client)
      #expect(answer.status == 400)
      #expect(answer.faults == faults, "\(answer.text)")
    }
  }

  static let senseless: [(body: String, faults: [String])] = [
    (#"{"dayOfMonth":1}"#, ["/dayOfMonth invalid_value"]),
    (#"{"frequency":"weekly"}"#, ["/dayOfWeek missing_required"]),
    (#"{"hour":24}"#, ["/hour invalid_value"]),
    (#"{"retentionCount":0}"#, ["/retentionCount invalid_value"]),
    (#"{"id":"x"}"#, ["/id unknown_field"]),
  ]

  @Test(arguments: senseless)
  func `a change must leave a schedule that makes sense`(
    _ body: String,
    _ faults: [String]
  ) async throws {
    try await World.with { world, client in
      let made = try await Self.post(world, Self.daily).ask(client).json
      let id = try #require(made["id"]?.text)
      let path = "\(Self.path(world))/\(id)"
      let answer = try await Question("PATCH", path, key: world.key, body: body).ask(client)
      #expect(answer.faults == faults, "\(answer.text)")
      let list = try await Question("GET", Self.path(world), key: world.key).ask(client).json
      #expect(list["schedules"]?.elements == [made])
    }
  }

  @Test func `a VPS has so many schedules and no more`() async throws {
    try await World.with { world, client in
      for _ in 0..<Limits.schedulesPerVPS {
        try await Self.post(world, Self.daily).expect(201, client)
      }
      let answer = try await Self.post(world, Self.daily).ask(client)
      #expect(answer.faults == [" invalid_value"])
    }
  }

  @Test func `another VPS's schedule isn't found, nor one of a terminated VPS`() async throws {
    try await World.with { world, client in
      let id = try #require(try await Self.post(world, Self.daily).ask(client).json["id"]?.text)
      for other in [world.source.id.text, world.foreign.id.text, "nonsense"] {
        let path = "/api/v2/vps/\(other)/backup-schedules/\(id)"
        try await Question("DELETE", path, key: world.key).expect(404, client)
        try await Question("PATCH", path, key: world.key, body: "{}").expect(404, client)
      }
      try await world.setStatus(.terminated, of: world.target)
      try await Self.post(world, Self.daily).expect(404, client)
    }
  }

  @Test func `the last turn tells its job and where that stands`() async throws {
    try await World.with { world, client in
      try await Self.post(world, Self.daily).expect(201, client)
      world.clock.advance(by: .seconds(86_400))
      await BackupScheduler(world.operations).takeTurns()
      let list = try await Question("GET", Self.path(world), key: world.key).ask(client).json
      let run = list["schedules"]?[0]?["lastRun"]
      #expect(run?.names == ["dueAt", "at", "outcome", "jobId", "status", "code", "reason"])
      #expect(run?["dueAt"] == .string("2026-04-28T03:00:00.000Z"))
      #expect(run?["outcome"] == .string("started"))
      #expect(run?["status"] == .string("queued"))
      let job = try #require(run?["jobId"]?.text)
      try await Question("GET", "/api/jobs/\(job)", key: world.key).expect(200, client)
    }
  }
}
