package import Catalog
package import Model
import Testing

extension CatalogConformance {
  static let callers: [Rule] = [
    Rule("a key comes back with its name, its last use and the key it replaces") {
      fixture async throws in
      let client = try await fixture.client()
      let old = try await fixture.key(of: client)
      let new = try await fixture.key(of: client) {
        $0.name = "backups at night"
        $0.lastUsedAt = Timestamp(seconds: 4)
        $0.replaces = old.id
      }
      #expect(try await fixture.catalog.read { try $0.key(new.id)?.key } == new)
    },
    Rule("a key's end only ever comes nearer") { fixture async throws in
      let key = try await fixture.key(of: fixture.client())
      for (moment, expected) in [(9, 9), (12, 9), (7, 7)] as [(Int64, Int64)] {
        try await fixture.catalog.write {
          try $0.expireKey(key.id, at: Timestamp(seconds: moment))
        }
        let stored = try await fixture.catalog.read { try $0.key(key.id)?.key.expiresAt }
        #expect(stored == Timestamp(seconds: expected))
      }
      let nobody: KeyID = fixture.identifiers.make()
      await #expect(throws: CatalogFault.failed(.constraint(.reference))) {
        try await fixture.catalog.write { try $0.expireKey(nobody, at: .epoch) }
      }
    },
    Rule("last uses only ever move on, and keys that are gone are let pass") {
      fixture async throws in
      let client = try await fixture.client()
      let (one, two) = (try await fixture.key(of: client), try await fixture.key(of: client))
      let gone: KeyID = fixture.identifiers.make()
      try await fixture.catalog.write {
        try $0.recordUses([
          one.id: Timestamp(seconds: 5), two.id: Timestamp(seconds: 6),
          gone: Timestamp(seconds: 7),
        ])
      }
      try await fixture.catalog.write {
        try $0.recordUses([one.id: Timestamp(seconds: 4), two.id: Timestamp(seconds: 8)])
      }
      let used = try await fixture.catalog.read { transaction throws in
        try [one.id, two.id].map { try transaction.key($0)?.key.lastUsedAt }
      }
      #expect(used == [Timestamp(seconds: 5), Timestamp(seconds: 8)])
    },
    Rule("an answer is kept once for an API key and a header value, byte for byte") {
      fixture async throws in
      let client = try await fixture.client()
      let (one, two) = (try await fixture.key(of: client), try await fixture.key(of: client))
      let record = fixture.record(of: one)
      try await fixture.catalog.write { try $0.insert(record) }
      await #expect(throws: CatalogFault.failed(.constraint(.other))) {
        try await fixture.catalog.write { try $0.insert(record) }
      }
      let others = fixture.record(of: two)
      try await fixture.catalog.write { try $0.insert(others) }
      try await fixture.catalog.read { transaction throws in
        #expect(try transaction.idempotencyRecord(of: one.id, "again") == record)
        #expect(try transaction.idempotencyRecord(of: two.id, "again") == others)
        #expect(try transaction.idempotencyRecord(of: one.id, "Again") == nil)
      }
      try await fixture.catalog.write { try $0.deleteIdempotencyRecord(of: one.id, "again") }
      try await fixture.catalog.read { transaction throws in
        #expect(try transaction.idempotencyRecord(of: one.id, "again") == nil)
        #expect(try transaction.idempotencyRecord(of: two.id, "again") == others)
      }
    },
    Rule("only answers that say yes are kept, and for keys that are there") {
      fixture async throws in
      let key = try await fixture.key(of: fixture.client())
      for status in [199, 300, 409, 500] {
        let record = fixture.record(of: key) { $0.answer.status = status }
        await #expect(throws: CatalogFault.self) {
          try await fixture.catalog.write { try $0.insert(record) }
        }
      }
      let nobodys = fixture.record(of: key) { $0.request.keyID = fixture.identifiers.make() }
      await #expect(throws: CatalogFault.failed(.constraint(.reference))) {
        try await fixture.catalog.write { try $0.insert(nobodys) }
      }
    },
    Rule("old answers are forgotten, the oldest first and a bounded number at once") {
      fixture async throws in
      let key = try await fixture.key(of: fixture.client())
      for number in 1...5 {
        let record = fixture.record(of: key) {
          $0.request.idempotencyKey = "\(number)"
          $0.at = Timestamp(seconds: Int64(number))
        }
        try await fixture.catalog.write { try $0.insert(record) }
      }
      let forget = { @Sendable (limit: Int) in
        try await fixture.catalog.write {
          try $0.deleteIdempotencyRecords(before: Timestamp(seconds: 4), limit: limit)
        }
      }
      #expect(try await forget(2) == 2)
      let left = try await fixture.catalog.read { transaction throws in
        try (1...5).filter { try transaction.idempotencyRecord(of: key.id, "\($0)") != nil }
      }
      #expect(left == [3, 4, 5])
      #expect(try await forget(2) == 1)
      #expect(try await forget(2) == 0)
    },
    Rule("a client's keys take their kept answers with them") { fixture async throws in
      let client = try await fixture.client()
      let key = try await fixture.key(of: client)
      _ = try await fixture.key(of: client) { $0.replaces = key.id }
      let record = fixture.record(of: key)
      try await fixture.catalog.write { try $0.insert(record) }
      try await fixture.catalog.write { try $0.deleteClient(client.id) }
      let kept = try await fixture.catalog.read { try $0.idempotencyRecord(of: key.id, "again") }
      #expect(kept == nil)
    },
    Rule("the audit log is filtered by who, what, to what and when, and read page by page") {
      fixture async throws in
      // The clock was set back between the second and the third.
      for (seconds, actor, action, subject) in [
        (10, "operator:a", "vps.add", "vps_1"), (20, "key:b", "vps.edit", "vps_1"),
        (15, "key:b", "vps.edit", "vps_2"), (30, "operator:a", "vps.edit", "vps_2"),
      ] as [(Int64, String, String, String)] {
        let entry = AuditEntry(
          at: Timestamp(seconds: seconds),
          actor: actor,
          action: action,
          subject: subject
        )
        try await fixture.catalog.write { try $0.append(entry) }
      }
      let lists: [(AuditFilter, [Int64])] = [
        (AuditFilter(), [4, 3, 2, 1]),
        (AuditFilter(limit: 2), [4, 3]),
        (AuditFilter(before: 3, limit: 2), [2, 1]),
        (AuditFilter(actor: "key:b"), [3, 2]),
        (AuditFilter(subject: "vps_1"), [2, 1]),
        (AuditFilter(action: "vps.edit", limit: 1), [4]),
        (AuditFilter(since: Timestamp(seconds: 16)), [4, 2]),
        (AuditFilter(since: Timestamp(seconds: 15), subject: "vps_2"), [4, 3]),
        (AuditFilter(since: Timestamp(seconds: 31)), []),
      ]
      for (filter, expected) in lists {
        let found = try await fixture.catalog.read { try $0.auditRecords(filter) }
        #expect(found.map(\.sequence) == expected, "\(filter)")
      }
    },
  ]
}

extension CatalogFixture {
  /// A key that is stored, changed as a test needs it.
  package func key(
    of client: Client,
    _ change: (inout APIKey) -> Void = { _ in }
  ) async throws -> APIKey {
    var made = APIKey(
      id: identifiers.make(),
      clientID: client.id,
      scopes: [.readVM, .backupVM],
      createdAt: clock.now()
    )
    change(&made)
    let key = made
    try await catalog.write { try $0.insert(key, hash: [UInt8](repeating: 7, count: 32)) }
    return key
  }

  /// An answer to be kept, changed as a test needs it.
  package func record(
    of key: APIKey,
    _ change: (inout IdempotencyRecord) -> Void = { _ in }
  ) -> IdempotencyRecord {
    var record = IdempotencyRecord(
      request: IdempotentRequest(
        keyID: key.id,
        idempotencyKey: "again",
        method: "POST",
        path: "/api/v2/vps",
        bodyHash: [UInt8](repeating: 9, count: 32)
      ),
      answer: KeptAnswer(status: 202, body: [0, 0xFF, 0x0A]),
      at: clock.now()
    )
    change(&record)
    return record
  }
}
