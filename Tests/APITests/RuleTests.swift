import API
import Model
import Operations
import Testing

/// The rules of restore-from-vps, one by one, in their order.
@Suite struct RuleTests {
  @Test func `Rule 1: a key must be good and have the scope`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.key = nil
      let unknown = try await question.ask(client)
      #expect(unknown.status == 401)
      #expect(unknown.header("WWW-Authenticate") == "Bearer")
      question.key = try await world.newKey([.readVM, .powerVM, .writeVM])
      // The scope is looked at before the body is.
      question.body = "nonsense"
      let forbidden = try await question.ask(client)
      #expect(forbidden.status == 403)
      #expect(
        forbidden.json["extensions"]
          == .object([.init("requiredScopes", .array([.string("backup:vm")]))])
      )
    }
  }

  struct Body: Sendable, CustomTestStringConvertible {
    var testDescription: String { text }
    var text: String
    var faults: [String]
  }

  static let bodies: [Body] = [
    Body(
      text: "{}",
      faults: ["/sourceVpsId missing_required", "/backupId missing_required"]
    ),
    Body(
      text: #"{"sourceVpsId": 7, "backupId": null}"#,
      faults: ["/sourceVpsId invalid_type", "/backupId invalid_type"]
    ),
    Body(
      text: #"{"sourceVpsId": "\#(String(repeating: "x", count: 65))", "backupId": ["a"]}"#,
      faults: ["/sourceVpsId too_long", "/backupId invalid_type"]
    ),
    Body(
      text: #"{"sourceVpsId": "a", "backupId": "b", "backupId": "c", "~force/": true}"#,
      faults: ["/backupId duplicate_field", "/~0force~1 unknown_field"]
    ),
    Body(text: "[]", faults: [" invalid_type"]),
    Body(text: "", faults: [" invalid_value"]),
    Body(text: #"{"sourceVpsId": "a""#, faults: [" invalid_value"]),
    Body(text: String(repeating: "[", count: 17), faults: [" invalid_value"]),
  ]

  @Test(arguments: bodies) func `Rule 2: the body must be an object with two strings`(
    _ body: Body
  ) async throws {
    try await World.with { world, client in
      var question = world.restore()
      question.body = body.text
      let answer = try await question.ask(client)
      #expect(answer.status == 400)
      #expect(answer.code == "invalid_request")
      #expect(answer.faults == body.faults)
    }
  }

  @Test func `Rule 3: the target must be there, live and the caller's`() async throws {
    try await World.with { world, client in
      var question = world.restore()
      // Rule 4 would refuse it too: the target is looked at first.
      for id in ["vps_01hxa3b4c5d6e7f8g9h0j1k2m3", "nonsense", world.foreign.id.text] {
        question.path = "/api/v2/vps/\(id)/backups/actions/restore-from-vps"
        try await question.expect(404, client)
      }
      try await world.setStatus(.terminated, of: world.target)
      try await world.restore(from: world.target.id.text).expect(404, client)
    }
  }

  @Test func `Rule 4: source and target must differ`() async throws {
    try await World.with { world, client in
      // The backup doesn't exist either: that is looked at later.
      let answer = try await world.restore(from: world.target.id.text, backup: "b").ask(client)
      #expect(answer.status == 400)
      #expect(answer.faults == ["/sourceVpsId same_vps"])
    }
  }

  @Test func `Rule 5: the source must be there and the caller's`() async throws {
    try await World.with { world, client in
      let malformed = ["source", "", #"vps_\u0000"#]
      for id in malformed + ["vps_01hxa3b4c5d6e7f8g9h0j1k2m3", world.foreign.id.text] {
        try await world.restore(from: id).expect(404, client)
      }
    }
  }

  @Test func `Rule 5: a terminated source counts while it has backups`() async throws {
    try await World.with { world, client in
      try await world.setStatus(.terminated, of: world.source)
      try await world.restore().expect(202, client)
    }
  }

  @Test func `Rule 6: the backup must be the source's and restorable`() async throws {
    try await World.with { world, client in
      let source = world.source
      let bad = [
        try await world.addBackup(of: source) { $0.state = .creating },
        try await world.addBackup(of: source) { $0.state = .damaged },
        try await world.addBackup(of: source) { $0.state = .deleting },
        try await world.addBackup(of: source) { $0.expiresAt = World.start },
        try await world.addBackup(of: world.target),
        world.foreignBackup,
      ]
      for backup in bad {
        try await world.restore(backup: backup.id.text).expect(404, client)
      }
      try await world.restore(backup: "nonsense").expect(404, client)
    }
  }

  @Test func `Rules 2 and 3: an identifier of 64 characters is looked up, a longer one is not`()
    async throws
  {
    try await World.with { world, client in
      try await world.restore(from: String(repeating: "x", count: 64)).expect(404, client)
      // The target isn't there either: the body is looked at first.
      var question = world.restore(from: String(repeating: "x", count: 65))
      question.path = "/api/v2/vps/nonsense/backups/actions/restore-from-vps"
      try await question.expect(400, client)
    }
  }

  @Test func `Rule 5: a job of the source's own doesn't matter`() async throws {
    try await World.with { world, client in
      let source = world.source
      _ = try await world.addJob(.backup(BackupTask(backupID: world.backup.id))) {
        $0.vpsID = source.id
      }
      try await world.restore().expect(202, client)
    }
  }

  @Test func `Rules 5 and 6 before 7: what isn't there is told before the target's state`()
    async throws
  {
    try await World.with { world, client in
      try await world.observe(world.target) { $0.powerState = .paused }
      try await world.restore(from: "vps_01hxa3b4c5d6e7f8g9h0j1k2m3").expect(404, client)
      try await world.restore(backup: "bkp_01hxa3b4c5d6e7f8g9h0j1k2m3").expect(404, client)
      try await world.restore().expect(409, client)
    }
  }

  @Test func `Rule 7: the target's state must allow it`() async throws {
    try await World.with { world, client in
      try await world.observe(world.target) { $0.powerState = .paused }
      // It doesn't fit either: the state is looked at first.
      let large = try await world.addBackup(of: world.source) {
        $0.contents = World.contents(sizeBytes: 1 << 40)
      }
      let answer = try await world.restore(backup: large.id.text).ask(client)
      #expect(answer.status == 409)
      #expect(answer.code == "vps_not_ready")
      #expect(
        answer.json["extensions"]
          == .object([.init("reason", .string("power_state_unsettled"))])
      )
    }
  }

  @Test func `Rule 8: the backup must fit, and the detail has both sizes`() async throws {
    try await World.with { world, client in
      _ = try await world.addJob()
      let large = try await world.addBackup(of: world.source) {
        $0.contents = World.contents(sizeBytes: 1 << 40)
      }
      // Another job is in flight too: that is looked at last.
      let answer = try await world.restore(backup: large.id.text).ask(client)
      #expect(answer.status == 400)
      #expect(answer.faults == ["/backupId insufficient_storage"])
      let detail = try #require(answer.json["errors"]?[0]?["detail"]?.text)
      #expect(detail.contains("1099511627776") && detail.contains("10737418240"))
    }
  }

  @Test func `Rule 9: no other data job of the target may be in flight`() async throws {
    try await World.with { world, client in
      let first = try await world.restore().ask(client)
      let job = try #require(first.json["operation"]?["jobId"]?.text)
      let answer = try await world.restore().ask(client)
      #expect(answer.status == 409)
      #expect(answer.code == "vps_not_ready")
      let extensions = try #require(answer.json["extensions"])
      #expect(extensions["reason"] == .string("job_in_flight"))
      #expect(extensions["jobId"] == .string(job))
    }
  }

  @Test func `A restore under way keeps its backup from deletion`() async throws {
    try await World.with { world, client in
      try await world.restore().expect(202, client)
      let answer = try await Question(
        "DELETE",
        "/api/v2/vps/\(world.source.id)/backups/\(world.backup.id)",
        key: world.key
      ).ask(client)
      #expect(answer.status == 409)
      #expect(answer.code == "backup_in_use")
    }
  }
}
