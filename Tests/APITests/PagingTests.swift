import API
import Model
import Operations
import Testing

/// The cursors of the list of VPSs.
@Suite struct PagingTests {
  private static func cursor(
    _ world: World,
    _ query: String,
    _ ask: (Question) async throws -> Answer
  ) async throws -> String {
    let question = Question("GET", "/api/v2/vps?limit=1&\(query)", key: world.key)
    return try #require(try await ask(question).json["nextCursor"]?.text)
  }

  @Test func `A cursor goes on however its filters are spelled`() async throws {
    try await World.with { world, client in
      try await world.addTwins()
      let cursor = try await Self.cursor(world, "name=STRASSE&primaryIp=2001:db8::1") {
        try await $0.ask(client)
      }
      let page = try await Question(
        "GET",
        "/api/v2/vps?limit=9&name=stra%C3%9Fe&primaryIp=2001:0DB8:0::0001&cursor=\(cursor)",
        key: world.key
      ).ask(client).json
      #expect(page["data"]?.elements.count == 1)
      #expect(page["hasMore"] == .boolean(false))
    }
  }

  static let others = ["", "name=target", "name=STRASSE", "primaryIp=2001:db8::1"]

  @Test(arguments: others) func `A cursor of other filters is refused`(
    _ query: String
  ) async throws {
    try await World.with { world, client in
      try await world.addTwins()
      let cursor = try await Self.cursor(world, "name=strasse&primaryIp=2001:db8::1") {
        try await $0.ask(client)
      }
      let answer = try await Question(
        "GET",
        "/api/v2/vps?\(query)&cursor=\(cursor)",
        key: world.key
      ).ask(client)
      #expect(answer.status == 400)
      #expect(answer.code == "invalid_cursor")
    }
  }

  @Test func `A name that a database would cut short is refused`() async throws {
    try await World.with { world, client in
      let answer = try await Question("GET", "/api/v2/vps?name=target%00x", key: world.key)
        .ask(client)
      #expect(answer.status == 400)
      #expect(answer.code == "invalid_request")
    }
  }

  @Test func `Another client's cursor, and a changed one, are refused`() async throws {
    try await World.with { world, client in
      let cursor = try await Self.cursor(world, "") { try await $0.ask(client) }
      var asked = [Question("GET", "/api/v2/vps?cursor=\(cursor)", key: world.foreignKey)]
      let changed = [
        cursor + "=", cursor + "A", String(cursor.dropLast()), "B" + cursor.dropFirst(),
        cursor.lowercased(), String(repeating: "A", count: 5000), "%00", "\(world.target.id)",
      ]
      asked += changed.map { Question("GET", "/api/v2/vps?cursor=\($0)", key: world.key) }
      for question in asked {
        let answer = try await question.ask(client)
        #expect(answer.code == "invalid_cursor", "\(question.path)")
      }
      try await Question("GET", "/api/v2/vps?cursor=\(cursor)&limit=50", key: world.key)
        .expect(200, client)
    }
  }

  @Test func `Pages of every size show each VPS once, in one order`() async throws {
    try await World.with { world, client in
      try await world.addTwins()
      for limit in 1...5 {
        var seen: [String] = []
        var next: String? = ""
        while let cursor = next {
          let query = cursor.isEmpty ? "" : "&cursor=\(cursor)"
          let page = try await Question(
            "GET",
            "/api/v2/vps?limit=\(limit)\(query)",
            key: world.key
          ).ask(client).json
          let ids = (page["data"]?.elements ?? []).compactMap { $0["id"]?.text }
          #expect(ids.count <= limit && !ids.isEmpty)
          seen += ids
          next = page["nextCursor"]?.text
        }
        #expect(seen.count == 4)
        #expect(seen == Set(seen).sorted())
      }
    }
  }
}

extension World {
  /// Adds two VPSs of the same name and address.
  fileprivate func addTwins() async throws {
    for number in 1...2 {
      _ = try await operations.addVPS(
        system,
        VPSRegistration(
          client: client.id.text,
          node: "local",
          domainName: "twin-\(number)",
          domainUUID: "twin-\(number)",
          name: "Straße",
          hostname: "twin",
          network: try NetworkConfiguration(
            text: "version: 2\nethernets: {e0: {addresses: ['2001:db8::1/64']}}\n"
          )
        ),
        observed: Self.quiet
      )
    }
  }
}
