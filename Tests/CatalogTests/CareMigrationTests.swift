import Foundation
import GRDB
import Model
import TestSupport
import Testing

@testable import Catalog

/// A file of the schema before, with something in it, opened by this program.
@Suite(.scratchDirectory)
struct CareMigrationTests {
  @Test(arguments: ["0001", "0003", "0006"])
  func `backups of an earlier schema stay, unverified, and may be verified`(
    schema: String
  ) async throws {
    let path = "\(ScratchDirectory.path)/catalog.sqlite"
    let earlier = try DatabasePool(path: path)
    try Schema.migrate(earlier, through: schema)
    let identifiers = IdentifierFactory(clock: ManualClock())
    let (client, vps): (ClientID, VPSID) = (identifiers.make(), identifiers.make())
    let states = ["creating", "complete", "damaged", "deleting"]
    let ids: [BackupID] = states.map { _ in identifiers.make() }
    try await earlier.write { database in
      try database.execute(
        sql: """
          INSERT INTO client VALUES (:client, 'acme', 1);
          INSERT INTO node VALUES ('local', 'u', NULL);
          INSERT INTO vps (id, client_id, node, domain_name, domain_uuid, name, name_folded,
            hostname, service_status, created_at)
          VALUES (:vps, :client, 'local', 'd', 'u', 'n', 'n', 'h', 'active', 1);
          """,
        arguments: ["client": client.text, "vps": vps.text]
      )
      for (id, state) in zip(ids, states) {
        try database.execute(
          sql: """
            INSERT INTO backup (
              id, client_id, vps_id, state, type, created_at, snapshot_path, contents)
            VALUES (:id, :client, :vps, :state, 'manual', 7, 'ns/' || :id,
              '{"disks":[],"firmware":"bios","hasTPM":false,"isFrozen":true}')
            """,
          arguments: [
            "id": id.text, "client": client.text, "vps": vps.text, "state": state,
          ]
        )
      }
    }
    try earlier.close()

    let catalog = try SQLiteCatalog(path: path)
    let all = try await catalog.read { try $0.backups(in: Set(BackupState.allCases)) }
    #expect(Set(all.map(\.state)) == Set(BackupState.allCases))
    #expect(all.allSatisfy { $0.verifiedAt == nil && $0.createdAt.milliseconds == 7 })
    let now = Timestamp(milliseconds: 50)
    let due = try await catalog.read {
      try $0.backupsToVerify(node: "local", before: now, limit: 9)
    }
    #expect(Set(due.map(\.id)) == Set(ids[1...2]))
    let healed = ids[2]
    try await catalog.write { transaction in
      _ = try transaction.recordVerification(of: healed, at: now, damage: [])
    }
    #expect(try await catalog.read { try $0.backup(healed)?.state } == .complete)
  }
}
