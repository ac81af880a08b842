import GRDB
import Model

/// The second schema: answers that are kept for their `Idempotency-Key`, keys that are named, used
/// and rolled, VPSs found by address, and the audit log by whom, to what and when.
let schema0002 = """
  CREATE TABLE idempotency (
    key_id TEXT NOT NULL REFERENCES api_key (id) ON DELETE CASCADE,
    idempotency_key TEXT NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    body_hash BLOB NOT NULL CHECK (length(body_hash) = 32),
    status INTEGER NOT NULL CHECK (status BETWEEN 200 AND 299),
    answer BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (key_id, idempotency_key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX idempotency_created ON idempotency (created_at);
  CREATE TRIGGER idempotency_kept BEFORE UPDATE ON idempotency BEGIN
    SELECT RAISE(ABORT, 'a kept answer is unchangeable');
  END;

  ALTER TABLE api_key ADD COLUMN name TEXT CHECK (name <> '');
  ALTER TABLE api_key ADD COLUMN last_used_at INTEGER;
  ALTER TABLE api_key ADD COLUMN replaces TEXT REFERENCES api_key (id) ON DELETE SET NULL;
  CREATE INDEX api_key_replaces ON api_key (replaces);

  ALTER TABLE vps ADD COLUMN primary_ip TEXT;
  CREATE INDEX vps_primary_ip ON vps (primary_ip, id);
  CREATE INDEX vps_client_primary_ip ON vps (client_id, primary_ip, id);

  CREATE INDEX backup_vps_state ON backup (vps_id, state);

  CREATE INDEX audit_at ON audit (at);
  CREATE INDEX audit_actor ON audit (actor);
  CREATE INDEX audit_subject ON audit (subject);
  CREATE INDEX audit_action ON audit (action);
  """

/// VPSs whose derived columns are filled at once: bounds what is in memory.
private let fillBatch = 500

/// Derives the columns of the VPSs that are there already: the address, which is new, and the
/// folded name, which was in lower case only.
///
/// A network that can't be read has no address: it is told where it is used, not here.
func fillSchema0002(_ database: Database) throws {
  var last = ""
  while true {
    let rows = try Row.fetchAll(
      database,
      sql: "SELECT id, name, network FROM vps WHERE id > ? ORDER BY id LIMIT ?",
      arguments: [last, fillBatch]
    )
    for row in rows {
      let name: String = row["name"]
      let network: String? = row["network"]
      last = row["id"]
      try database.execute(
        sql: "UPDATE vps SET name_folded = ?, primary_ip = ? WHERE id = ?",
        arguments: [FoldedText.of(name), address(of: network), last]
      )
    }
    if rows.count < fillBatch { return }
  }
}

private func address(of network: String?) -> String? {
  guard let network else { return nil }
  do throws(NetworkConfigurationFault) {
    return try NetworkConfiguration(text: network).primaryAddress?.text
  } catch {
    return nil
  }
}
