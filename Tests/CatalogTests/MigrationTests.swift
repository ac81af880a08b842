import Foundation
import GRDB
import Model
import TestSupport
import Testing

@testable import Catalog

/// A file that an earlier version wrote comes up with everything in it.
@Suite(.scratchDirectory)
struct MigrationTests {
  private var path: String { "\(ScratchDirectory.path)/catalog.sqlite" }

  @Test func `every step of the schema has its place`() {
    #expect(Schema.migrations.map(\.name) == Schema.migrations.map(\.name).sorted())
    #expect(Set(Schema.migrations.map(\.name)).count == Schema.migrations.count)
  }

  @Test func `from 0001: VPSs are found by address and name, keys and audit log stay`()
    async throws
  {
    let identifiers = IdentifierFactory(clock: ManualClock())
    let client: ClientID = identifiers.make()
    let key: KeyID = identifiers.make()
    let networks: [(name: String, network: String?)] = [
      ("Straße", "version: 2\nethernets: {e0: {addresses: ['2001:DB8::1/64']}}\n"),
      ("automatic", nil),
      ("broken", "version: 1"),
    ]
    let ids: [VPSID] = networks.map { _ in identifiers.make() }
    let pool = try DatabasePool(path: path)
    try Schema.migrate(pool, through: "0001")
    try await pool.write { database in
      try database.execute(
        sql: """
          INSERT INTO client VALUES (:client, 'acme', 1);
          INSERT INTO node VALUES ('local', 'test:///default', NULL);
          INSERT INTO api_key VALUES (:key, :client, '["read:vm"]', zeroblob(32), 1, NULL, NULL);
          INSERT INTO audit (at, actor, action, subject) VALUES (1, 'a', 'b', 'c');
          """,
        arguments: ["client": client.text, "key": key.text]
      )
      for (id, vps) in zip(ids, networks) {
        try database.execute(
          sql: """
            INSERT INTO vps (
              id, client_id, node, domain_name, domain_uuid, name, name_folded, hostname,
              service_status, network, created_at)
            VALUES (?, ?, 'local', ?, ?, ?, ?, 'h', 'active', ?, 1)
            """,
          arguments: [
            id.text, client.text, vps.name, vps.name, vps.name, vps.name.lowercased(),
            vps.network,
          ]
        )
      }
    }
    try pool.close()

    let catalog = try SQLiteCatalog(path: path)
    let found = try await catalog.read { transaction throws in
      (
        try transaction.listVPS(VPSFilter(primaryAddress: IPAddress("2001:db8:0::1"))),
        try transaction.listVPS(VPSFilter(clientID: client, name: "STRASSE"))
      )
    }
    #expect(found.0.map(\.id) == [ids[0]])
    #expect(found.1.map(\.id) == [ids[0]])
    let kept = try await catalog.read { transaction throws in
      (try transaction.vps(ids[1]), try transaction.key(key)?.key)
    }
    #expect(kept.0?.network == nil)
    #expect(kept.1?.scopes == [.readVM])
    #expect(kept.1?.lastUsedAt == nil)
    #expect(try await catalog.read { try $0.auditEntries(limit: 9) }.count == 1)
    let addresses = try await DatabaseQueue(path: path).read {
      try String?.fetchAll($0, sql: "SELECT primary_ip FROM vps ORDER BY rowid")
    }
    #expect(addresses == ["2001:db8:0:0:0:0:0:1", nil, nil])
  }

  @Test func `from 0002: backups stay and belong to no schedule, and one can be added`()
    async throws
  {
    let identifiers = IdentifierFactory(clock: ManualClock())
    let (client, vps): (ClientID, VPSID) = (identifiers.make(), identifiers.make())
    let backup: BackupID = identifiers.make()
    let pool = try DatabasePool(path: path)
    try Schema.migrate(pool, through: "0002")
    try await pool.write { database in
      try database.execute(
        sql: """
          INSERT INTO client VALUES (:client, 'acme', 1);
          INSERT INTO node VALUES ('local', 'test:///default', NULL);
          INSERT INTO vps (
            id, client_id, node, domain_name, domain_uuid, name, name_folded, hostname,
            service_status, created_at)
          VALUES (:vps, :client, 'local', 'd', 'u', 'n', 'n', 'h', 'active', 1);
          INSERT INTO backup (id, client_id, vps_id, state, type, created_at)
          VALUES (:backup, :client, :vps, 'creating', 'scheduled', 1);
          """,
        arguments: ["client": client.text, "vps": vps.text, "backup": backup.text]
      )
    }
    try pool.close()

    let catalog = try SQLiteCatalog(path: path)
    let kept = try await catalog.read { try $0.backup(backup) }
    #expect(kept?.type == .scheduled)
    #expect(kept?.scheduleID == nil)
    let schedule = BackupSchedule(
      id: identifiers.make(),
      clientID: client,
      vpsID: vps,
      name: "nightly",
      timing: try ScheduleTiming(frequency: .monthly, hour: 3, dayOfMonth: 31),
      retentionCount: 7,
      isEnabled: true,
      createdAt: Timestamp(milliseconds: 1)
    )
    try await catalog.write { try $0.insert(schedule) }
    #expect(try await catalog.read { try $0.schedules(of: vps) } == [schedule])
  }
}
