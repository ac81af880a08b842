import API
import Catalog
import Model
import Testing

/// `GET /api/v2/vps` and `/api/v2/vps/{id}`.
@Suite struct VPSTests {
  @Test func `A VPS shows its fields, its sizes in both forms and its gates`() async throws {
    try await World.with { world, client in
      let vps = try await Question("GET", "/api/v2/vps/\(world.target.id)", key: world.key)
        .ask(client).json
      #expect(
        vps.names == [
          "id", "name", "primaryIp", "serviceStatus", "powerState", "resources", "actions",
        ]
      )
      #expect(vps["id"] == .string(world.target.id.text))
      #expect(vps["name"] == .string("target"))
      #expect(vps["primaryIp"] == .string("192.0.2.20"))
      #expect(vps["serviceStatus"] == .string("active"))
      #expect(vps["powerState"] == .string("running"))
      let resources = try #require(vps["resources"])
      #expect(resources["cpuCores"] == .number("2"))
      #expect(resources["memoryGb"] == .number("2.1"))
      #expect(resources["memoryBytes"] == .number("2147483648"))
      #expect(resources["storageGb"] == .number("10"))
      #expect(resources["storageBytes"] == .number("10737418240"))
      let actions = try #require(vps["actions"])
      #expect(
        actions.names == [
          "canStart", "canStop", "canShutdown", "canRestart", "canReset", "canCreateBackup",
          "canRestore", "canRestoreFromAnotherVps",
        ]
      )
      let open = try #require(actions["canRestoreFromAnotherVps"])
      #expect(open.names == ["allowed", "reason", "code"])
      #expect(open["allowed"] == .boolean(true))
      #expect(open["reason"] == .null && open["code"] == .null)
      let closed = try #require(actions["canStart"])
      #expect(closed["allowed"] == .boolean(false))
      #expect(closed["code"] == .string("power_state_unsettled"))
      #expect(closed["reason"]?.text != nil)
    }
  }

  @Test func `The gate of a restore closes with the code that its POST answers`() async throws {
    try await World.with { world, client in
      try await world.observe(world.target) { $0.snapshotCount = 1 }
      let vps = try await Question("GET", "/api/v2/vps/\(world.target.id)", key: world.key)
        .ask(client).json
      let gate = vps["actions"]?["canRestoreFromAnotherVps"]
      let refusal = try await world.restore().ask(client).json
      #expect(gate?["code"] == .string("snapshots"))
      #expect(refusal["extensions"]?["reason"] == gate?["code"])
      #expect(refusal["detail"] == gate?["reason"])
    }
  }

  @Test func `The gate of a restore closes for a disk that nothing can be put onto`() async throws {
    try await World.with { world, client in
      try await world.observe(world.target) { $0.disks[0].obstacle = .unsupportedStorage }
      let vps = try await Question("GET", "/api/v2/vps/\(world.target.id)", key: world.key)
        .ask(client).json
      let refusal = try await world.restore().ask(client)
      for name in ["canRestore", "canRestoreFromAnotherVps"] {
        let gate = vps["actions"]?[name]
        #expect(gate?["allowed"] == .boolean(false))
        #expect(gate?["code"] == .string("unsupported_target_storage"))
        #expect(gate?["reason"]?.text != nil)
      }
      #expect(refusal.status == 400)
      #expect(refusal.faults == ["/backupId unsupported_target_storage"])
    }
  }

  @Test func `A change is in the very next answer, whichever process has made it`() async throws {
    try await World.with { world, client in
      let question = Question("GET", "/api/v2/vps/\(world.target.id)", key: world.key)
      let elsewhere = try SQLiteCatalog(path: world.catalogPath)
      for status in [ServiceStatus.suspended, .active, .suspended] {
        // Twice, so that an answer that is kept would be given again.
        _ = try await question.ask(client)
        _ = try await question.ask(client)
        var vps = world.target
        vps.serviceStatus = status
        let changed = vps
        try await elsewhere.write { try $0.update(changed) }
        #expect(
          try await question.ask(client).json["serviceStatus"] == .string(status.rawValue)
        )
      }
    }
  }

  @Test func `Two keys see the gates of their own scopes, and nobody another's VPS`() async throws {
    try await World.with { world, client in
      let path = "/api/v2/vps/\(world.target.id)"
      let reader = try await world.newKey([.readVM])
      var gates: [JSON?] = []
      for key in [world.key, reader, world.key] {
        gates.append(
          try await Question("GET", path, key: key).ask(client).json["actions"]?[
            "canCreateBackup"
          ]?[
            "allowed"
          ]
        )
      }
      #expect(gates == [.boolean(true), .boolean(false), .boolean(true)])
      #expect(
        try await Question("GET", path, key: world.foreignKey).ask(client).status == 404
      )
    }
  }

  @Test func `A terminated VPS isn't listed but still answers`() async throws {
    try await World.with { world, client in
      try await world.setStatus(.terminated, of: world.source)
      let list = try await Question("GET", "/api/v2/vps", key: world.key).ask(client).json
      #expect(list["data"]?.elements.compactMap { $0["name"]?.text } == ["target"])
      for path in ["", "/backups"] {
        let answer = try await Question(
          "GET",
          "/api/v2/vps/\(world.source.id)\(path)",
          key: world.key
        ).ask(client)
        #expect(answer.status == 200)
      }
    }
  }

  @Test func `Pages follow each other until there is no more`() async throws {
    try await World.with { world, client in
      let first = try await Question("GET", "/api/v2/vps?limit=1", key: world.key)
        .ask(client).json
      #expect(first.names == ["data", "hasMore", "nextCursor"])
      #expect(first["data"]?.elements.count == 1)
      #expect(first["hasMore"] == .boolean(true))
      let cursor = try #require(first["nextCursor"]?.text)
      let second = try await Question(
        "GET",
        "/api/v2/vps?limit=1&cursor=\(cursor)",
        key: world.key
      ).ask(client).json
      #expect(second["hasMore"] == .boolean(false))
      #expect(second["nextCursor"] == .null)
      let names = [first, second].compactMap { $0["data"]?[0]?["name"]?.text }
      #expect(Set(names) == ["target", "source"])
    }
  }

  static let filters: [(query: String, names: [String])] = [
    ("name=TARGET", ["target"]),
    ("name=targe", []),
    ("name=t%61rget&_=1", ["target"]),
    ("primaryIp=192.0.2.10", ["source"]),
    ("primaryIp=192.0.2.30", []),
    ("primaryIp=::FFFF:192.0.2.10", ["source"]),
    ("primaryIp=192.0.2.20&name=target", ["target"]),
    ("name=source&primaryIp=192.0.2.20", []),
  ]

  @Test(arguments: filters) func `Filters choose`(
    _ row: (query: String, names: [String])
  ) async throws {
    try await World.with { world, client in
      let list = try await Question("GET", "/api/v2/vps?\(row.query)", key: world.key)
        .ask(client).json
      #expect(list["data"]?.elements.compactMap { $0["name"]?.text } == row.names)
    }
  }

  static let badQueries: [(query: String, code: String, faults: [String])] = [
    ("limit=0", "invalid_request", ["/limit invalid_value"]),
    ("limit=101", "invalid_request", ["/limit invalid_value"]),
    ("limit=ten", "invalid_request", ["/limit invalid_type"]),
    ("limit=", "invalid_request", ["/limit invalid_type"]),
    ("limit=1&limit=2", "invalid_request", ["/limit duplicate_field"]),
    ("limit=x&name=%ff", "invalid_request", ["/limit invalid_type", "/name invalid_value"]),
    ("primaryIp=192.0.2.010", "invalid_request", ["/primaryIp invalid_value"]),
    ("primaryIp=", "invalid_request", ["/primaryIp invalid_value"]),
    ("cursor=nonsense", "invalid_cursor", []),
    ("cursor=", "invalid_cursor", []),
  ]

  @Test(arguments: badQueries) func `Bad parameters are told`(
    _ row: (query: String, code: String, faults: [String])
  ) async throws {
    try await World.with { world, client in
      let answer = try await Question("GET", "/api/v2/vps?\(row.query)", key: world.key)
        .ask(client)
      #expect(answer.status == 400)
      #expect(answer.code == row.code)
      #expect(answer.faults == row.faults)
      #expect(answer.json["instance"] == .string("/api/v2/vps"))
    }
  }
}
