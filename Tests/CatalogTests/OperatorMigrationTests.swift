import GRDB
import Model
import TestSupport
import Testing

@testable import Catalog

/// A file from before jobs waited for an operator.
@Suite(.scratchDirectory)
struct OperatorMigrationTests {
  @Test func `jobs that left disks unknown wait for an operator, unless later ones replaced them`()
    async throws
  {
    let path = "\(ScratchDirectory.path)/catalog.sqlite"
    let earlier = try DatabasePool(path: path)
    try Schema.migrate(earlier, through: "0005")
    let id = try #require(ULID("01hxa3b4c5d6e7f8g9h0j1k2m3")).description
    // Each VPS's jobs: kind, state, what was left; and whether its first one waits afterwards.
    let rows: [(jobs: [(kind: String, state: String, left: String?)], waits: Bool)] = [
      ([("restore", "failed", "needs_operator")], true),
      ([("undo", "failed", "needs_operator"), ("backup", "completed", nil)], true),
      ([("restore", "failed", "needs_operator"), ("restore", "failed", "untouched")], true),
      ([("restore", "failed", "needs_operator"), ("restore", "completed", nil)], false),
      ([("backup", "failed", "needs_operator")], false),
      ([("power", "failed", "needs_operator")], false),
      ([("restore", "failed", "rolled_back")], false),
    ]
    try await earlier.write { database in
      try database.execute(
        sql: """
          INSERT INTO client VALUES ('cli_\(id)', 'acme', 1);
          INSERT INTO node VALUES ('local', 'u', NULL);
          """
      )
      for (number, row) in rows.enumerated() {
        let vps = Self.identifier("vps", number, 0, id)
        try database.execute(
          sql: """
            INSERT INTO vps (id, client_id, node, domain_name, domain_uuid, name, name_folded,
              hostname, service_status, created_at)
            VALUES ('\(vps)', 'cli_\(id)', 'local', 'd\(number)', 'u\(number)', 'n', 'n', 'h',
              'active', 1);
            """
        )
        for (place, job) in row.jobs.enumerated() {
          let failure = job.left.map {
            """
            {"code":"internal_error","detail":"?","isTransient":false,"left":"\($0)"}
            """
          }
          try database.execute(
            sql: """
              INSERT INTO job (id, client_id, vps_id, node, kind, class, task, state, attempts,
                progress, failure, cancel_requested, created_at)
              VALUES (?, 'cli_\(id)', ?, 'local', ?, ?, '{}', ?, 1, '{}', ?, 0, ?)
              """,
            arguments: [
              Self.identifier("job", number, place, id), vps, job.kind,
              job.kind == "power" ? "power" : "data", job.state, failure, place,
            ]
          )
        }
      }
    }
    try earlier.close()

    let catalog = try SQLiteCatalog(path: path)
    for (number, row) in rows.enumerated() {
      let vps = try #require(VPSID(Self.identifier("vps", number, 0, id)))
      let first = JobID(Self.identifier("job", number, 0, id))
      let found = try await catalog.read { try $0.standing(of: vps) }
      #expect(found.unsettledJobID == (row.waits ? first : nil), "\(row.jobs)")
    }
  }

  private static func identifier(_ kind: String, _ vps: Int, _ place: Int, _ id: String) -> String {
    "\(kind)_\(id.dropLast(2))\(vps)\(place)"
  }
}
