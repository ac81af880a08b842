import API
import Model
import Operations
import Testing

/// A VPS's backups, and the sources for a target.
@Suite struct BackupTests {
  @Test func `Backups show their fields, quota and gates`() async throws {
    try await World.with { world, client in
      let list = try await Question(
        "GET",
        "/api/v2/vps/\(world.source.id)/backups",
        key: world.key
      ).ask(client).json
      #expect(list.names == ["backups", "hasMore", "nextCursor", "quotaInfo", "actions"])
      #expect(list["quotaInfo"] == .object([.init("used", .number("1"))]))
      #expect(list["actions"]?["canCreateBackup"]?["allowed"] == .boolean(true))
      let backup = try #require(list["backups"]?[0])
      #expect(
        backup.names == [
          "id", "displayId", "storageKey", "createdAt", "sizeGb", "sizeBytes", "backupType",
          "state", "note", "expiresAt",
        ]
      )
      let key = "vm/\(world.source.id)/2026-04-27T12:34:56Z"
      #expect(backup["id"] == .string(world.backup.id.text))
      #expect(backup["storageKey"] == .string(key))
      #expect(backup["displayId"] == .string("2026-04-27T12:34:56.000Z (\(key))"))
      #expect(backup["createdAt"] == .string("2026-04-27T12:34:56.000Z"))
      #expect(backup["sizeGb"] == .number("10.7"))
      #expect(backup["sizeBytes"] == .number("10737418240"))
      #expect(backup["backupType"] == .string("manual"))
      #expect(backup["note"] == .string("before the update"))
      #expect(backup["expiresAt"] == .null)
    }
  }

  @Test func `A damaged backup says so, and one without a note leaves it out`() async throws {
    try await World.with { world, client in
      let made = try await world.addBackup(of: world.target) {
        $0.state = .damaged
        $0.note = nil
      }
      let list = try await Question(
        "GET",
        "/api/v2/vps/\(world.target.id)/backups",
        key: world.key
      ).ask(client).json
      let backup = try #require(list["backups"]?[0])
      #expect(backup["id"] == .string(made.id.text))
      #expect(backup["state"] == .string("damaged"))
      #expect(backup["note"] == nil)
    }
  }

  @Test func `Of many backups at once no more are accepted than the quota has room for`()
    async throws
  {
    try await World.with { world, client in
      try await world.limitBackups(of: world.source, to: 2)
      let question = Question("POST", "/api/v2/vps/\(world.source.id)/backups", key: world.key)
      let codes = try await withThrowingTaskGroup(of: String?.self) { group in
        for _ in 1...16 { group.addTask { try await question.ask(client).code } }
        return try await group.reduce(into: [String?]()) { $0.append($1) }
      }
      #expect(codes.count { $0 == nil } == 1)
      #expect(codes.count { $0 == "backup_quota_exceeded" } == 15)
      let used = try await world.operations.vps(world.system, world.source.id.text).backupsUsed
      #expect(used == 2)
    }
  }

  @Test func `A quota is shown and enforced`() async throws {
    try await World.with { world, client in
      try await world.limitBackups(of: world.source, to: 1)
      var question = Question(
        "GET",
        "/api/v2/vps/\(world.source.id)/backups",
        key: world.key
      )
      let list = try await question.ask(client).json
      #expect(
        list["quotaInfo"]
          == .object([
            .init("limit", .number("1")), .init("remaining", .number("0")),
            .init("used", .number("1")),
          ])
      )
      let gate = list["actions"]?["canCreateBackup"]
      #expect(gate?["code"] == .string("backup_quota_exceeded"))
      question.method = "POST"
      let refused = try await question.ask(client)
      #expect(refused.status == 409)
      #expect(refused.code == "backup_quota_exceeded")
      #expect(refused.json["extensions"]?["used"] == .number("1"))
    }
  }

  static let bodies: [String?] = [
    nil, "", "{}", #"{"note": null}"#, #"{"note": "before the update é\n🙂"}"#,
  ]

  @Test(arguments: bodies) func `A backup takes an optional body`(_ body: String?) async throws {
    try await World.with { world, client in
      let question = Question(
        "POST",
        "/api/v2/vps/\(world.target.id)/backups",
        key: world.key,
        body: body
      )
      let answer = try await question.ask(client)
      #expect(answer.status == 202)
      #expect(answer.json["operation"]?.names == ["status", "jobId", "pollUrl"])
    }
  }

  static let badBodies: [(body: String, faults: [String])] = [
    (#"{"note": 1}"#, ["/note invalid_type"]),
    (#"{"note": "\#(String(repeating: "n", count: 1025))"}"#, ["/note too_long"]),
    (#"{"name": "x"}"#, ["/name unknown_field"]),
    ("null", [" invalid_type"]),
  ]

  @Test(arguments: badBodies) func `A backup's body is checked`(
    _ row: (body: String, faults: [String])
  ) async throws {
    try await World.with { world, client in
      let answer = try await Question(
        "POST",
        "/api/v2/vps/\(world.target.id)/backups",
        key: world.key,
        body: row.body
      ).ask(client)
      #expect(answer.status == 400)
      #expect(answer.faults == row.faults)
    }
  }

  @Test func `A deleted backup is gone`() async throws {
    try await World.with { world, client in
      let path = "/api/v2/vps/\(world.source.id)/backups"
      let delete = Question("DELETE", "\(path)/\(world.backup.id)", key: world.key)
      let answer = try await delete.ask(client)
      #expect(answer.status == 204)
      #expect(answer.text.isEmpty)
      try await delete.expect(404, client)
      let list = try await Question("GET", path, key: world.key).ask(client).json
      #expect(list["backups"] == .array([]))
      try await world.restore().expect(404, client)
    }
  }

  @Test func `A backup is deleted only under its own VPS`() async throws {
    try await World.with { world, client in
      for id in [world.backup.id.text, world.foreignBackup.id.text, "nonsense"] {
        let answer = try await Question(
          "DELETE",
          "/api/v2/vps/\(world.target.id)/backups/\(id)",
          key: world.key
        ).ask(client)
        #expect(answer.status == 404)
      }
    }
  }

  @Test func `Sources leave out the target, strangers and VPSs without backups`() async throws {
    try await World.with { world, client in
      _ = try await world.addBackup(of: world.target)
      let large = try await world.addBackup(of: world.source) {
        $0.contents = World.contents(sizeBytes: 1 << 40)
      }
      let list = try await Question(
        "GET",
        "/api/v2/vps/\(world.target.id)/backups/restore-sources",
        key: world.key
      ).ask(client).json
      #expect(list.names == ["sources", "hasMore", "nextCursor"])
      #expect(list["sources"]?.elements.count == 1)
      let source = try #require(list["sources"]?[0])
      #expect(source.names == ["id", "name", "serviceStatus", "sourceType", "backups"])
      #expect(source["id"] == .string(world.source.id.text))
      #expect(source["sourceType"] == .string("server"))
      let backups = try #require(source["backups"]?.elements)
      let fitting = try #require(backups.first { $0["id"] == .string(world.backup.id.text) })
      #expect(fitting["restorable"]?["allowed"] == .boolean(true))
      #expect(fitting["restorable"]?["reason"] == .null)
      #expect(
        fitting["restorable"]?["disks"]?[0]
          == .object([.init("source", .string("vda")), .init("target", .string("vda"))])
      )
      #expect(fitting["storageKey"] != nil)
      let unfit = try #require(backups.first { $0["id"] == .string(large.id.text) })
      #expect(unfit["restorable"]?["code"] == .string("insufficient_storage"))
    }
  }

  @Test func `A terminated source is retained`() async throws {
    try await World.with { world, client in
      try await world.setStatus(.terminated, of: world.source)
      let list = try await Question(
        "GET",
        "/api/v2/vps/\(world.target.id)/backups/restore-sources",
        key: world.key
      ).ask(client).json
      #expect(list["sources"]?[0]?["sourceType"] == .string("retained"))
      #expect(list["sources"]?[0]?["serviceStatus"] == .string("terminated"))
    }
  }
}
