/// The first schema.
///
/// Times are milliseconds since 1970, JSON stands in text columns, words in CHECKs are append-only
/// like the enums they come from.
let schema0001 = """
  CREATE TABLE client (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE api_key (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES client (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL CHECK (json_type(scopes) = 'array'),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
  ) STRICT;
  CREATE INDEX api_key_client ON api_key (client_id, created_at, id);
  CREATE INDEX api_key_created ON api_key (created_at, id);

  CREATE TABLE node (
    name TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
    uri TEXT NOT NULL,
    heartbeat_at INTEGER
  ) STRICT;

  CREATE TABLE vps (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES client (id),
    node TEXT NOT NULL REFERENCES node (name),
    domain_name TEXT NOT NULL,
    domain_uuid TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    hostname TEXT NOT NULL,
    service_status TEXT NOT NULL CHECK (service_status IN (
      'active', 'suspended', 'terminated', 'pending', 'cancelled', 'expired', 'fraud', 'unknown')),
    network TEXT,
    user_data TEXT,
    adopted_seed_path TEXT,
    backup_limit INTEGER CHECK (backup_limit >= 0),
    created_at INTEGER NOT NULL,
    observation TEXT CHECK (observation IS NULL OR json_valid(observation))
  ) STRICT;
  CREATE INDEX vps_client ON vps (client_id, id);
  CREATE INDEX vps_client_name ON vps (client_id, name_folded, id);
  CREATE INDEX vps_name ON vps (name_folded, id);
  CREATE INDEX vps_node ON vps (node, id);
  CREATE UNIQUE INDEX vps_domain_name ON vps (node, domain_name)
    WHERE service_status <> 'terminated';
  CREATE UNIQUE INDEX vps_domain_uuid ON vps (node, domain_uuid)
    WHERE service_status <> 'terminated';

  CREATE TABLE backup (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES client (id),
    vps_id TEXT NOT NULL REFERENCES vps (id),
    state TEXT NOT NULL CHECK (state IN ('creating', 'complete', 'damaged', 'deleting')),
    type TEXT NOT NULL CHECK (type IN ('manual', 'scheduled')),
    note TEXT,
    created_at INTEGER NOT NULL,
    snapshot_path TEXT UNIQUE,
    contents TEXT CHECK (contents IS NULL OR json_valid(contents)),
    expires_at INTEGER,
    CHECK (state <> 'complete' OR (contents IS NOT NULL AND snapshot_path IS NOT NULL))
  ) STRICT;
  CREATE INDEX backup_vps ON backup (vps_id, created_at, id);
  CREATE INDEX backup_client ON backup (client_id, created_at, id);
  CREATE INDEX backup_state ON backup (state, created_at, id);
  CREATE TRIGGER backup_owner BEFORE UPDATE OF client_id, vps_id ON backup BEGIN
    SELECT RAISE(ABORT, 'the owner of a backup is unchangeable');
  END;

  CREATE TABLE job (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES client (id),
    vps_id TEXT NOT NULL REFERENCES vps (id),
    node TEXT NOT NULL REFERENCES node (name),
    kind TEXT NOT NULL CHECK (kind IN ('backup', 'restore', 'undo', 'power')),
    class TEXT NOT NULL CHECK (class IN ('data', 'power')),
    task TEXT NOT NULL CHECK (json_valid(task)),
    state TEXT NOT NULL CHECK (state IN (
      'queued', 'running', 'waiting', 'completed', 'failed', 'cancelled')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    progress TEXT NOT NULL CHECK (json_valid(progress)),
    result TEXT CHECK (result IS NULL OR json_valid(result)),
    failure TEXT CHECK (failure IS NULL OR json_valid(failure)),
    cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)),
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    due_at INTEGER,
    lease_token TEXT,
    lease_until INTEGER,
    CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
    CHECK (lease_token IS NULL OR state = 'running')
  ) STRICT;
  CREATE UNIQUE INDEX job_unfinished ON job (vps_id, class)
    WHERE state IN ('queued', 'running', 'waiting');
  CREATE INDEX job_claim ON job (node, created_at, id)
    WHERE state IN ('queued', 'running', 'waiting');
  CREATE INDEX job_client ON job (client_id, created_at, id);
  CREATE INDEX job_vps ON job (vps_id, created_at, id);
  CREATE INDEX job_created ON job (created_at, id);

  CREATE TABLE job_step (
    job_id TEXT NOT NULL REFERENCES job (id),
    sequence INTEGER NOT NULL CHECK (sequence > 0),
    name TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('begun', 'done', 'failed')),
    detail TEXT NOT NULL CHECK (json_valid(detail)),
    at INTEGER NOT NULL,
    PRIMARY KEY (job_id, sequence)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER job_step_kept BEFORE UPDATE ON job_step BEGIN
    SELECT RAISE(ABORT, 'a journal is append-only');
  END;

  CREATE TABLE hold (
    backup_id TEXT NOT NULL REFERENCES backup (id),
    job_id TEXT NOT NULL REFERENCES job (id),
    PRIMARY KEY (backup_id, job_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX hold_job ON hold (job_id);

  CREATE TABLE undo (
    vps_id TEXT NOT NULL PRIMARY KEY REFERENCES vps (id),
    restore_job_id TEXT NOT NULL REFERENCES job (id),
    until INTEGER NOT NULL,
    detail TEXT NOT NULL CHECK (json_valid(detail)),
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0)
  ) STRICT;
  CREATE INDEX undo_until ON undo (until);

  CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    address TEXT,
    request_id TEXT,
    detail TEXT
  ) STRICT;
  CREATE TRIGGER audit_kept BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
  END;
  CREATE TRIGGER audit_undeleted BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
  END;
  """
