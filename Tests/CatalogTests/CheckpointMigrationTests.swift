import Foundation
import GRDB
import Model
import TestSupport
import Testing

@testable import Catalog

/// Files of earlier versions, with something in them, opened by this one.
@Suite(.scratchDirectory)
struct CheckpointMigrationTests {
  @Test func `backups of an earlier schema stay, and may get checkpoints`() async throws {
    let path = "\(ScratchDirectory.path)/catalog.sqlite"
    let earlier = try DatabasePool(path: path)
    try Schema.migrate(earlier, through: "0001")
    let id = ULID("01hxa3b4c5d6e7f8g9h0j1k2m3").map { "\($0)" } ?? ""
    try await earlier.write { database in
      try database.execute(
        sql: """
          INSERT INTO client VALUES ('cli_\(id)', 'acme', 1);
          INSERT INTO node VALUES ('local', 'u', NULL);
          INSERT INTO vps (id, client_id, node, domain_name, domain_uuid, name, name_folded,
            hostname, service_status, created_at)
          VALUES ('vps_\(id)', 'cli_\(id)', 'local', 'd', 'u', 'n', 'n', 'h', 'active', 1);
          INSERT INTO backup (id, client_id, vps_id, state, type, created_at)
          VALUES ('bkp_\(id)', 'cli_\(id)', 'vps_\(id)', 'creating', 'manual', 1);
          """
      )
    }
    try earlier.close()

    let catalog = try SQLiteCatalog(path: path)
    let (vps, backup) = (try #require(VPSID("vps_\(id)")), try #require(BackupID("bkp_\(id)")))
    #expect(try await catalog.read { try $0.backup(backup)?.state } == .creating)
    let checkpoint = Checkpoint(
      vpsID: vps,
      name: "rehome-\(id)",
      backupID: backup,
      domainUUID: "u",
      disks: [
        CheckpointDisk(device: "vda", sizeBytes: 1, format: "qcow2", fileSystem: "f", inode: .max)
      ],
      createdAt: Timestamp(milliseconds: 5)
    )
    try await catalog.write { try $0.setCheckpoint(checkpoint) }
    #expect(try await catalog.read { try $0.checkpoint(of: vps) } == checkpoint)
    let still = StillDisks(
      vpsID: vps,
      backupID: backup,
      disks: [
        StillDisk(
          device: "vda",
          bootID: "b",
          fileSystem: "f",
          inode: .max,
          fileBytes: 1,
          changedNanoseconds: -1,
          format: "raw"
        )
      ]
    )
    try await catalog.write { try $0.setStillDisks(still) }
    #expect(try await catalog.read { try $0.stillDisks(of: vps) } == still)
    // A deleted backup leaves the row: it says what to clean up.
    try await catalog.write { try $0.deleteBackup(backup) }
    let left = try await catalog.read { try $0.checkpoint(of: vps) }
    #expect(left?.backupID == nil)
    #expect(try await catalog.read { try $0.stillDisks(of: vps) } == nil)
    #expect(left?.name == checkpoint.name)
    try await catalog.write { try $0.deleteCheckpoint(of: vps) }
    #expect(try await catalog.read { try $0.checkpoint(of: vps) } == nil)
  }
}
