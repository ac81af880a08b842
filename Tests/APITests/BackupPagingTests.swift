import API
import Catalog
import HummingbirdTesting
import Model
import Operations
import TestSupport
import Testing

/// The pages of a VPS's backups and of a target's restore sources.
@Suite struct BackupPagingTests {
  /// Walks a list to its end, and gives the pages.
  private static func pages(
    _ path: String,
    _ world: World,
    _ client: any TestClientProtocol
  ) async throws -> [JSON] {
    var pages: [JSON] = []
    var query = ""
    while true {
      let mark = path.contains("?") || query.isEmpty ? "" : "?"
      let answer = try await Question("GET", path + mark + query, key: world.key).ask(client)
      #expect(answer.status == 200, "\(answer.text)")
      pages.append(answer.json)
      let next = answer.json["nextCursor"]?.text
      #expect(answer.json["hasMore"] == .boolean(next != nil))
      guard let next else { return pages }
      query = (path.contains("?") ? "&" : "") + "cursor=\(next)"
    }
  }

  private static func ids(_ items: JSON?) -> [String] {
    (items?.elements ?? []).compactMap { $0["id"]?.text }
  }

  private static func sources(of target: VPS) -> String {
    "/api/v2/vps/\(target.id)/backups/restore-sources"
  }

  // MARK: - Backups

  @Test func `Pages of every size show each backup once, the newest first`() async throws {
    try await World.with { world, client in
      // Several of one moment, and one that isn't shown.
      try await world.addBackups(5, of: world.source)
      world.clock.advance(by: .seconds(1))
      try await world.addBackups(3, of: world.source)
      _ = try await world.addBackup(of: world.source) { $0.state = .deleting }
      let path = "/api/v2/vps/\(world.source.id)/backups"
      let all = try await Self.pages(path, world, client)
      #expect(all.count == 1)
      let wanted = Self.ids(all.first?["backups"])
      #expect(wanted.count == 9)
      for limit in 1...10 {
        let pages = try await Self.pages("\(path)?limit=\(limit)", world, client)
        #expect(pages.count == (9 + limit - 1) / limit)
        #expect(pages.allSatisfy { Self.ids($0["backups"]).count <= limit })
        #expect(pages.flatMap { Self.ids($0["backups"]) } == wanted)
        // What belongs to the whole list doesn't depend on the page.
        #expect(pages.allSatisfy { $0["quotaInfo"]?["used"] == .number("9") })
      }
    }
  }

  @Test func `Who asks for no pages gets all backups, up to a bound`() async throws {
    try await World.with { world, client in
      try await world.addBackups(Limits.wholeList + 1, of: world.target)
      let path = "/api/v2/vps/\(world.target.id)/backups"
      for (query, count) in [("", Limits.wholeList), ("?limit=100", 100), ("?limit=1", 1)] {
        let page = try await Question("GET", path + query, key: world.key).ask(client).json
        #expect(Self.ids(page["backups"]).count == count)
        #expect(page["hasMore"] == .boolean(true))
      }
    }
  }

  @Test func `A cursor goes on though the backup it stands behind is gone`() async throws {
    try await World.with { world, client in
      try await world.addBackups(3, of: world.source)
      let path = "/api/v2/vps/\(world.source.id)/backups"
      let all = Self.ids(try await Self.pages(path, world, client).first?["backups"])
      let page = try await Question("GET", "\(path)?limit=2", key: world.key).ask(client).json
      let cursor = try #require(page["nextCursor"]?.text)
      let gone = try #require(BackupID(all[1]))
      try await world.operations.write { try $0.deleteBackup(gone) }
      let next = try await Question("GET", "\(path)?cursor=\(cursor)", key: world.key)
        .ask(client).json
      #expect(Self.ids(next["backups"]) == Array(all[2...]))
    }
  }

  @Test func `Only the list that gave a cursor out takes it back`() async throws {
    try await World.with { world, client in
      try await world.addBackups(2, of: world.source)
      try await world.addBackups(2, of: world.target)
      let third = try await world.addVPS("third")
      try await world.addBackups(1, of: third)
      let (own, other) = (
        "/api/v2/vps/\(world.source.id)/backups", "/api/v2/vps/\(world.target.id)/backups"
      )
      func cursor(_ path: String) async throws -> String {
        let page = try await Question("GET", "\(path)?limit=1", key: world.key).ask(client).json
        return try #require(page["nextCursor"]?.text)
      }
      let (ofBackups, ofSources) = (
        try await cursor(own), try await cursor(Self.sources(of: world.target))
      )
      let refused = [
        "\(other)?cursor=\(ofBackups)", "\(Self.sources(of: world.source))?cursor=\(ofSources)",
        "\(own)?cursor=\(ofSources)", "\(Self.sources(of: world.target))?cursor=\(ofBackups)",
        "/api/v2/vps?cursor=\(ofBackups)", "\(own)?cursor=\(ofBackups)A", "\(own)?cursor=",
        "\(own)?cursor=%00", "\(own)?cursor=\(String(repeating: "A", count: 5000))",
        // Who asks badly is told so before it is looked for what he names.
        "/api/v2/vps/\(world.foreign.id)/backups?cursor=x",
        "\(Self.sources(of: world.foreign))?cursor=x",
      ]
      for path in refused {
        let answer = try await Question("GET", path, key: world.key).ask(client)
        #expect(answer.status == 400 && answer.code == "invalid_cursor", "\(path)")
      }
      for path in [own, Self.sources(of: world.target)] {
        for limit in ["0", "101", "x", ""] {
          let answer = try await Question("GET", "\(path)?limit=\(limit)", key: world.key)
            .ask(client)
          #expect(answer.status == 400 && answer.code == "invalid_request", "\(path) \(limit)")
        }
      }
    }
  }

  // MARK: - Restore sources

  @Test func `Pages of every size show each source once, with all its backups`() async throws {
    try await World.with { world, client in
      try await world.addBackups(2, of: world.target)
      for name in ["a", "b", "c"] {
        try await world.addBackups(3, of: world.addVPS(name))
      }
      _ = try await world.addVPS("without")
      let path = Self.sources(of: world.target)
      for limit in 1...5 {
        let pages = try await Self.pages("\(path)?limit=\(limit)", world, client)
        let sources = pages.flatMap { $0["sources"]?.elements ?? [] }
        #expect(pages.count == (4 + limit - 1) / limit)
        #expect(pages.allSatisfy { ($0["sources"]?.elements.count ?? 0) <= limit })
        let ids = sources.compactMap { $0["id"]?.text }
        #expect(ids.count == 4 && ids == Set(ids).sorted())
        #expect(sources.map { $0["backups"]?.elements.count ?? 0 }.sorted() == [1, 3, 3, 3])
      }
    }
  }

  @Test func `A source with very many backups goes on on the next page`() async throws {
    try await World.with { world, client in
      let many = Limits.restoreChoices + 20
      try await world.addBackups(many, of: world.addVPS("many"))
      // What has expired takes its place among those that are looked at, and isn't shown.
      let soon = world.clock.now().advanced(by: .seconds(1))
      _ = try await world.addBackup(of: world.source) { $0.expiresAt = soon }
      world.clock.advance(by: .seconds(1))
      let pages = try await Self.pages(Self.sources(of: world.target), world, client)
      #expect(pages.count == 2)
      var seen: [String: [String]] = [:]
      for page in pages {
        let sources = page["sources"]?.elements ?? []
        let counts = sources.map { $0["backups"]?.elements.count ?? 0 }
        #expect(counts.reduce(0, +) <= Limits.restoreChoices && !counts.contains(0))
        for source in sources {
          seen[source["name"]?.text ?? "?", default: []] += Self.ids(source["backups"])
        }
      }
      #expect(seen["source"] == [world.backup.id.text])
      #expect(seen["many"]?.count == many && Set(seen["many"] ?? []).count == many)
    }
  }

  @Test func `Many VPSs without backups end a page early, and hide nothing`() async throws {
    try await World.with { world, client in
      try await world.addCopies(Limits.restoreOwners + 5)
      let last = try await world.addVPS("last")
      try await world.addBackups(1, of: last)
      let pages = try await Self.pages(Self.sources(of: world.target), world, client)
      #expect(pages.count == 2)
      let names = pages.flatMap { ($0["sources"]?.elements ?? []).compactMap { $0["name"]?.text } }
      #expect(names.sorted() == ["last", "source"])
    }
  }
}

extension World {
  /// Adds complete backups of one moment.
  fileprivate func addBackups(_ count: Int, of vps: VPS) async throws {
    let now = clock.now()
    let made = (0..<count).map { _ in
      let id: BackupID = operations.identifiers.make()
      return Backup(
        id: id,
        clientID: vps.clientID,
        vpsID: vps.id,
        state: .complete,
        type: .manual,
        createdAt: now,
        snapshotPath: "ns/x/\(id)",
        contents: Self.contents()
      )
    }
    try await operations.write { transaction in
      for backup in made { try transaction.insert(backup) }
    }
  }

  /// Adds another VPS of the client.
  fileprivate func addVPS(_ name: String) async throws -> VPS {
    try await addCopies([name])[0]
  }

  /// Adds so many VPSs that have nothing.
  fileprivate func addCopies(_ count: Int) async throws {
    _ = try await addCopies((0..<count).map { "empty-\($0)" })
  }

  private func addCopies(_ names: [String]) async throws -> [VPS] {
    let copies = names.map { name in
      var copy = source
      copy.id = operations.identifiers.make()
      (copy.name, copy.domainName, copy.domainUUID) = (name, name, name)
      return copy
    }
    try await operations.write { transaction in
      for copy in copies { try transaction.insert(copy) }
    }
    return copies
  }
}
