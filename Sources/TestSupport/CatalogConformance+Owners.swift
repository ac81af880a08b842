import Catalog
import Model
import Testing

extension CatalogConformance {
  static let transactions: [Rule] = [
    Rule("a refusal comes out as it went in, and nothing is written") { fixture async throws in
      let client = Client(id: fixture.identifiers.make(), name: "acme", createdAt: .epoch)
      await #expect(throws: CatalogFault.refused(.backupInUse)) {
        try await fixture.catalog.write { transaction throws in
          try transaction.insert(client)
          throw Refusal.backupInUse
        }
      }
      #expect(try await fixture.catalog.read { try $0.clients() }.isEmpty)
    },
    Rule("a catalog's error comes out as it went in, and nothing is written") {
      fixture async throws in
      let client = Client(id: fixture.identifiers.make(), name: "acme", createdAt: .epoch)
      await #expect(throws: CatalogFault.failed(.constraint(.uniqueName))) {
        try await fixture.catalog.write { transaction throws in
          try transaction.insert(client)
          try transaction.insert(
            Client(id: fixture.identifiers.make(), name: "acme", createdAt: .epoch)
          )
        }
      }
      #expect(try await fixture.catalog.read { try $0.clients() }.isEmpty)
    },
    Rule("a transaction goes on after a constraint that its body has handled") {
      fixture async throws in
      let client = try await fixture.client("acme")
      try await fixture.catalog.write { transaction throws in
        #expect(throws: CatalogError.constraint(.uniqueName)) {
          try transaction.insert(
            Client(id: fixture.identifiers.make(), name: client.name, createdAt: .epoch)
          )
        }
        try transaction.upsertNode(name: "node", uri: "test:///default")
      }
      #expect(try await fixture.catalog.read { try $0.nodes() }.count == 1)
    },
    Rule("a read can't write") { fixture async throws in
      await #expect(throws: CatalogFault.self) {
        try await fixture.catalog.read { try $0.upsertNode(name: "n", uri: "u") }
      }
    },
    Rule("a write is not undone by the cancellation of its task") { fixture async throws in
      let catalog = fixture.catalog
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await catalog.write { try $0.upsertNode(name: "n", uri: "u") } }
        group.cancelAll()
        try await group.waitForAll()
      }
      #expect(try await catalog.read { try $0.node("n") } != nil)
    },
    Rule("a catalog in order passes its check") { fixture async throws in
      try await fixture.catalog.check()
    },
  ]

  static let owners: [Rule] = [
    Rule("a client is found by identifier and by name, and listed by name") {
      fixture async throws in
      let zeta = try await fixture.client("zeta")
      let alpha = try await fixture.client("alpha")
      try await fixture.catalog.read { transaction throws in
        #expect(try transaction.client(zeta.id) == zeta)
        #expect(try transaction.client(named: "alpha") == alpha)
        #expect(try transaction.client(named: "Alpha") == nil)
        #expect(try transaction.clients() == [alpha, zeta])
      }
    },
    Rule("a client goes with its keys, but not while it owns a VPS") { fixture async throws in
      let (idle, busy) = (try await fixture.client("idle"), try await fixture.client("busy"))
      _ = try await fixture.vps(of: busy)
      let key = APIKey(
        id: fixture.identifiers.make(),
        clientID: idle.id,
        scopes: [.readVM],
        createdAt: .epoch
      )
      try await fixture.catalog.write { try $0.insert(key, hash: hash) }
      try await fixture.catalog.write { try $0.deleteClient(idle.id) }
      await #expect(throws: CatalogFault.failed(.constraint(.reference))) {
        try await fixture.catalog.write { try $0.deleteClient(busy.id) }
      }
      #expect(try await fixture.catalog.read { try $0.clients() } == [busy])
      #expect(try await fixture.catalog.read { try $0.keys(of: nil) }.isEmpty)
    },
    Rule("a key is kept with its hash, and revoked once") { fixture async throws in
      let client = try await fixture.client()
      let key = APIKey(
        id: fixture.identifiers.make(),
        clientID: client.id,
        scopes: [.backupVM, .readVM],
        createdAt: .epoch,
        expiresAt: Timestamp(seconds: 9)
      )
      try await fixture.catalog.write { try $0.insert(key, hash: hash) }
      let found = try await fixture.catalog.read { try $0.key(key.id) }
      #expect(found?.key == key)
      #expect(found?.hash == hash)
      try await fixture.catalog.write { try $0.revokeKey(key.id, at: Timestamp(seconds: 5)) }
      try await fixture.catalog.write { try $0.revokeKey(key.id, at: Timestamp(seconds: 7)) }
      let revoked = try await fixture.catalog.read { try $0.keys(of: client.id) }
      #expect(revoked.map(\.revokedAt) == [Timestamp(seconds: 5)])
    },
    Rule("a hash that isn't a SHA-256 and a key of nobody are refused") { fixture async throws in
      let client = try await fixture.client()
      let ownKey = APIKey(
        id: fixture.identifiers.make(),
        clientID: client.id,
        scopes: [],
        createdAt: .epoch
      )
      await #expect(throws: CatalogFault.self) {
        try await fixture.catalog.write { try $0.insert(ownKey, hash: [1, 2]) }
      }
      let nobodysKey = APIKey(
        id: fixture.identifiers.make(),
        clientID: fixture.identifiers.make(),
        scopes: [],
        createdAt: .epoch
      )
      await #expect(throws: CatalogFault.failed(.constraint(.reference))) {
        try await fixture.catalog.write { try $0.insert(nobodysKey, hash: hash) }
      }
    },
    Rule("a node's URI changes and its heartbeat stays") { fixture async throws in
      let beat = Timestamp(seconds: 3)
      try await fixture.catalog.write { transaction throws in
        try transaction.upsertNode(name: "n", uri: "one")
        try transaction.recordHeartbeat(node: "n", at: beat)
        try transaction.upsertNode(name: "n", uri: "two")
      }
      #expect(
        try await fixture.catalog.read { try $0.nodes() }
          == [Node(name: "n", uri: "two", heartbeatAt: beat)]
      )
      await #expect(throws: CatalogFault.failed(.constraint(.reference))) {
        try await fixture.catalog.write { try $0.recordHeartbeat(node: "none", at: beat) }
      }
    },
    Rule("the audit log gives the newest first") { fixture async throws in
      let entries = (1...3).map { number in
        AuditEntry(
          at: Timestamp(seconds: Int64(number)),
          actor: "operator:root",
          action: "test",
          subject: "\(number)",
          address: "192.0.2.1",
          requestID: fixture.identifiers.make(),
          detail: "{}"
        )
      }
      try await fixture.catalog.write { transaction throws in
        for entry in entries { try transaction.append(entry) }
      }
      #expect(
        try await fixture.catalog.read { try $0.auditEntries(limit: 2) } == [
          entries[2], entries[1],
        ]
      )
    },
  ]

  private static let hash = [UInt8](repeating: 7, count: 32)
}

extension Timestamp {
  /// 1970.
  static let epoch = Timestamp(milliseconds: 0)
}
