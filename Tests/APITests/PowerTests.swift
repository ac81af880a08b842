import API
import Foundation
import HummingbirdTesting
import Model
import Operations
import TestSupport
import Testing

/// `POST /api/v2/vps/{id}/actions/…`, and the gates that tell beforehand what they answer.
@Suite struct PowerTests {
  private static func act(_ world: World, _ action: String, body: String? = nil) -> Question {
    Question("POST", "/api/v2/vps/\(world.target.id)/actions/\(action)", key: world.key, body: body)
  }

  /// What stands in the way of which actions.
  struct Obstacle: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var closed: [String: String]
    var make: @Sendable (World) async throws -> Void
  }

  private static let all = ["start", "shutdown", "stop", "restart", "reset"]

  private static func closed(_ code: String, _ actions: [String] = all) -> [String: String] {
    Dictionary(uniqueKeysWithValues: actions.map { ($0, code) })
  }

  static let obstacles: [Obstacle] = [
    Obstacle(testDescription: "running", closed: closed("power_state_unsettled", ["start"])) { _ in
    },
    Obstacle(
      testDescription: "stopped",
      closed: closed("power_state_unsettled", ["shutdown", "stop", "restart", "reset"])
    ) { world in
      try await world.observe(world.target) { $0.powerState = .stopped }
    },
    Obstacle(
      testDescription: "paused",
      closed: closed("power_state_unsettled", ["start", "shutdown", "restart", "reset"])
    ) { world in
      try await world.observe(world.target) { $0.powerState = .paused }
    },
    Obstacle(
      testDescription: "stopped with a saved memory image",
      closed: closed("power_state_unsettled", ["shutdown", "stop", "restart", "reset"])
        .merging(["start": "saved_state"]) { $1 }
    ) { world in
      try await world.observe(world.target) {
        $0.powerState = .stopped
        $0.hasSavedState = true
      }
    },
    Obstacle(testDescription: "suspended", closed: closed("not_active")) { world in
      try await world.setStatus(.suspended, of: world.target)
    },
    Obstacle(testDescription: "migrating", closed: closed("block_job")) { world in
      try await world.observe(world.target) { $0.activity = .migration }
    },
    Obstacle(testDescription: "transient", closed: closed("transient_domain")) { world in
      try await world.observe(world.target) { $0.isPersistent = false }
    },
    Obstacle(testDescription: "a power job in flight", closed: closed("job_in_flight")) { world in
      _ = try await world.addJob(.power(PowerTask(action: .stop)))
    },
    Obstacle(
      testDescription: "a restore that stages",
      closed: closed("power_state_unsettled", ["start"])
    ) { world in
      _ = try await world.addJob()
    },
    Obstacle(testDescription: "a restore that has stopped it", closed: closed("job_in_flight")) {
      _ = try await $0.addStoppedRestore()
    },
  ]

  @Test(arguments: obstacles)
  func `a gate says what its action answers`(_ obstacle: Obstacle) async throws {
    for action in Self.all {
      try await World.with { world, client in
        try await obstacle.make(world)
        let vps = try await Question("GET", "/api/v2/vps/\(world.target.id)", key: world.key)
          .ask(client).json
        let gate = vps["actions"]?["can\(action.capitalized)"]
        let answer = try await Self.act(world, action).ask(client)
        if let code = obstacle.closed[action] {
          #expect(answer.status == 409, "\(action)")
          #expect(answer.code == "vps_not_ready")
          #expect(answer.json["extensions"]?["reason"] == .string(code), "\(action)")
          #expect(gate?["code"] == .string(code), "\(action)")
          #expect(gate?["reason"] == answer.json["detail"])
        } else {
          #expect(answer.status == 202, "\(action): \(answer.text)")
          #expect(gate?["allowed"] == .boolean(true), "\(action)")
        }
      }
    }
  }

  @Test func `between a restore's stop and start the answer names the restore`() async throws {
    try await World.with { world, client in
      let restore = try await world.addStoppedRestore()
      let answer = try await Self.act(world, "stop").ask(client)
      #expect(answer.json["extensions"]?["jobId"] == .string(restore.id.text))
    }
  }

  @Test func `a terminated VPS has no power`() async throws {
    try await World.with { world, client in
      try await world.setStatus(.terminated, of: world.target)
      for action in Self.all { try await Self.act(world, action).expect(404, client) }
    }
  }

  @Test(arguments: [
    ("{}", false), (#"{"force":true}"#, true), (#"{"force":false}"#, false),
    (#"{"force":null}"#, false),
  ])
  func `a restart is forced only when that is asked for`(
    _ body: String,
    _ isForced: Bool
  ) async throws {
    try await World.with { world, client in
      let answer = try await Self.act(world, "restart", body: body).ask(client)
      #expect(answer.status == 202, "\(answer.text)")
      let id = try #require(answer.json["operation"]?["jobId"]?.text)
      let job = try await world.operations.job(world.system, id)
      #expect(job.task == .power(PowerTask(action: .restart, isForced: isForced)))
      #expect(job.task.kind.rawValue == "power")
    }
  }

  @Test(arguments: [
    (#"{"force":"yes"}"#, "/force invalid_type"), (#"{"force":1}"#, "/force invalid_type"),
    (#"{"forced":true}"#, "/forced unknown_field"),
    (#"{"force":true,"force":true}"#, "/force duplicate_field"), ("[]", " invalid_type"),
  ])
  func `a restart's faults are told by their pointers`(
    _ body: String,
    _ fault: String
  ) async throws {
    try await World.with { world, client in
      let answer = try await Self.act(world, "restart", body: body).ask(client)
      #expect(answer.status == 400)
      #expect(answer.faults == [fault])
    }
  }

  @Test func `a power job is cancelled with the scope of power, a data job with that of backups`()
    async throws
  {
    try await World.with { world, client in
      let power = try await world.addJob(.power(PowerTask(action: .stop)))
      let data = try await world.addJob()
      let powerKey = try await world.newKey([.powerVM])
      let backupKey = try await world.newKey([.backupVM])
      for (job, wrong, right, scope) in [
        (power, backupKey, powerKey, "power:vm"), (data, powerKey, backupKey, "backup:vm"),
      ] {
        let path = "/api/jobs/\(job.id)/actions/cancel"
        let refused = try await Question("POST", path, key: wrong).ask(client)
        #expect(refused.status == 403)
        #expect(refused.json["extensions"]?["requiredScopes"] == .array([.string(scope)]))
        try await Question("POST", path, key: right).expect(202, client)
      }
    }
  }

  @Test func `a completed power job tells what it did`() async throws {
    try await World.with { world, client in
      let job = try await world.addJob(.power(PowerTask(action: .restart))) {
        $0.state = .completed
        $0.finishedAt = $0.createdAt
        $0.result = .power(
          PowerResult(action: .restart, powerState: .running, wasForced: false, milliseconds: 7)
        )
      }
      let json = try await Question("GET", "/api/jobs/\(job.id)", key: world.key).ask(client).json
      let result = json["operation"]?["result"]
      #expect(result?.names == ["action", "powerState", "forced", "durationMilliseconds"])
      #expect(json["data"]?["jobName"] == .string("Restart VPS"))
      #expect(json["data"]?["type"] == .string("power"))
    }
  }
}
