import GRDB
import Model
import TestSupport
import Testing

@testable import Catalog

/// With a million rows a list must find its page by an index.
@Suite(.scratchDirectory)
struct QueryPlanTests {
  @Test(arguments: [
    "SELECT * FROM vps WHERE client_id = ? AND id > ? AND service_status <> 'terminated' ORDER BY id LIMIT 20",
    "SELECT * FROM vps WHERE client_id = ? AND name_folded = ? AND id > ? ORDER BY id LIMIT 20",
    "SELECT * FROM vps WHERE client_id = ? AND primary_ip = ? AND service_status <> 'terminated' ORDER BY id LIMIT 20",
    "SELECT * FROM vps WHERE client_id = ? AND name_folded = ? AND primary_ip = ? ORDER BY id",
    "SELECT * FROM vps WHERE primary_ip = ? ORDER BY id",
    "SELECT * FROM vps WHERE name_folded = ? ORDER BY id LIMIT 2",
    "SELECT * FROM vps WHERE node = ? ORDER BY id",
    "SELECT * FROM backup_schedule WHERE vps_id = ? ORDER BY created_at, id",
    """
    SELECT * FROM backup_schedule WHERE enabled = 1 AND attempt_at <= ?
    ORDER BY attempt_at, id LIMIT 100
    """,
    """
    SELECT * FROM backup
    WHERE schedule_id = ? AND state IN (SELECT value FROM json_each(?))
    ORDER BY created_at DESC, id DESC
    """,
    """
    SELECT * FROM backup WHERE vps_id = ? AND state IN (SELECT value FROM json_each(?))
    ORDER BY created_at DESC, id DESC
    """,
    """
    SELECT * FROM backup INDEXED BY backup_vps
    WHERE vps_id = ? AND (created_at, id) < (?, ?)
      AND state IN (SELECT value FROM json_each('[]'))
    ORDER BY created_at DESC, id DESC LIMIT 20
    """,
    """
    SELECT id FROM backup WHERE schedule_id = ? AND state = 'complete'
    ORDER BY created_at DESC, id DESC
    """,
    """
    SELECT id, EXISTS (
      SELECT 1 FROM backup WHERE vps_id = vps.id
        AND state IN (SELECT value FROM json_each(?))) AS has_backups
    FROM vps INDEXED BY vps_client WHERE client_id = ? AND id >= ? ORDER BY id LIMIT 20
    """,
    "SELECT * FROM job ORDER BY created_at DESC, id DESC LIMIT 100",
    "SELECT * FROM job WHERE client_id = ? ORDER BY created_at DESC, id DESC LIMIT 100",
    "SELECT * FROM job WHERE vps_id = ? ORDER BY created_at DESC, id DESC LIMIT 100",
    """
    SELECT * FROM job
    WHERE vps_id = ? AND class = ? AND state IN ('queued', 'running', 'waiting')
    """,
    "SELECT id FROM job WHERE vps_id = ? AND needs_operator = 1",
    "SELECT min(id) AS id FROM api_key WHERE replaces = ?",
    "SELECT id FROM job WHERE node = ? AND state IN ('queued', 'running', 'waiting') ORDER BY created_at, id LIMIT 1",
    "SELECT * FROM api_key WHERE client_id = ? ORDER BY created_at, id",
    "SELECT job_id FROM hold WHERE backup_id = ? ORDER BY job_id",
    "DELETE FROM hold WHERE job_id = ?",
    "SELECT * FROM job_step WHERE job_id = ? ORDER BY sequence",
    "SELECT * FROM job_step WHERE job_id = ? AND name IN (SELECT value FROM json_each(?)) ORDER BY sequence",
    "SELECT count(*) FROM backup WHERE vps_id = ? AND state IN (SELECT value FROM json_each(?))",
    "SELECT * FROM audit ORDER BY sequence DESC LIMIT 10",
    "SELECT * FROM audit WHERE actor = ? AND sequence < ? ORDER BY sequence DESC",
    "SELECT * FROM audit WHERE subject = ? AND sequence < ? ORDER BY sequence DESC",
    "SELECT * FROM audit WHERE action = ? ORDER BY sequence DESC",
    "SELECT * FROM audit WHERE at >= ?1 AND sequence >= (SELECT min(sequence) FROM audit WHERE at >= ?1) ORDER BY sequence DESC",
    "SELECT * FROM idempotency WHERE key_id = ? AND idempotency_key = ?",
    "SELECT key_id FROM idempotency WHERE created_at < ? ORDER BY created_at",
    "DELETE FROM api_key WHERE replaces = ?",
    """
    SELECT backup.* FROM backup INDEXED BY backup_verified
    CROSS JOIN vps ON vps.id = backup.vps_id
    WHERE backup.state IN ('complete', 'damaged') AND vps.node = ?
      AND coalesce(backup.verified_at, backup.created_at) < ?
    ORDER BY coalesce(backup.verified_at, backup.created_at), backup.id LIMIT 1
    """,
    "SELECT * FROM backup_damage WHERE backup_id = ? ORDER BY kind, name",
    "SELECT * FROM store_task WHERE node = ? AND kind = ? ORDER BY number DESC LIMIT 1",
    """
    SELECT * FROM store_task
    WHERE node = ? AND kind = ? AND backup_id = ? AND state IN ('queued', 'running')
    """,
  ])
  func `a list neither scans its table nor sorts it`(_ sql: String) async throws {
    let path = "\(ScratchDirectory.path)/catalog.sqlite"
    _ = try SQLiteCatalog(path: path)
    let plan = try await DatabaseQueue(path: path).read { database in
      let statement = try database.makeStatement(sql: "EXPLAIN QUERY PLAN \(sql)")
      statement.setUncheckedArguments(StatementArguments(Array(repeating: "x", count: 3)))
      return try Row.fetchAll(statement).map { $0["detail"] as String }
    }
    let table = try #require(sql.split(separator: " ").drop { $0 != "FROM" }.dropFirst().first)
    // The whole table is asked for only where a limit ends the walk along its index.
    #expect(
      !plan.contains { $0.hasPrefix("SCAN \(table)") && !sql.contains("LIMIT") },
      "\(plan)"
    )
    #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
  }

  @Test func `backups are counted without reading them`() async throws {
    let path = "\(ScratchDirectory.path)/catalog.sqlite"
    _ = try SQLiteCatalog(path: path)
    let plan = try await DatabaseQueue(path: path).read { database in
      try Row.fetchAll(
        database,
        sql: """
          EXPLAIN QUERY PLAN SELECT count(*) FROM backup
          WHERE vps_id = 'x' AND state IN (SELECT value FROM json_each('[]'))
          """
      ).map { $0["detail"] as String }
    }
    #expect(plan.contains { $0.contains("COVERING INDEX backup_vps_state") }, "\(plan)")
  }

  @Test(arguments: [
    ("id > ?", "vps_listed"),
    ("name_folded = ? AND id > ?", "vps_listed_name"),
    ("primary_ip = ?", "vps_listed_primary_ip"),
  ])
  func `a client's page doesn't step over terminated VPSs`(
    _ condition: String,
    _ index: String
  ) async throws {
    let path = "\(ScratchDirectory.path)/catalog.sqlite"
    _ = try SQLiteCatalog(path: path)
    let plan = try await DatabaseQueue(path: path).read { database in
      let statement = try database.makeStatement(
        sql: """
          EXPLAIN QUERY PLAN SELECT * FROM vps
          WHERE client_id = ? AND \(condition) AND service_status <> 'terminated'
          ORDER BY id LIMIT 20
          """
      )
      statement.setUncheckedArguments(StatementArguments(Array(repeating: "x", count: 3)))
      return try Row.fetchAll(statement).map { $0["detail"] as String }
    }
    #expect(plan.contains { $0.contains("USING INDEX \(index) ") }, "\(plan)")
  }
}
