/// Checkpoints, from where each VPS's next backup counts changes, and the disks of stopped VPSs as
/// they were backed up.
///
/// A backup that is deleted takes its checkpoint's meaning with it, not the row: the row still says
/// what is to be cleaned up, and why the next backup reads everything.
let schema0004 = """
  CREATE TABLE checkpoint (
    vps_id TEXT NOT NULL PRIMARY KEY REFERENCES vps (id),
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    backup_id TEXT REFERENCES backup (id) ON DELETE SET NULL,
    domain_uuid TEXT NOT NULL,
    disks TEXT NOT NULL CHECK (json_type(disks) = 'array'),
    created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX checkpoint_backup ON checkpoint (backup_id);

  CREATE TABLE still (
    vps_id TEXT NOT NULL PRIMARY KEY REFERENCES vps (id),
    backup_id TEXT NOT NULL REFERENCES backup (id) ON DELETE CASCADE,
    disks TEXT NOT NULL CHECK (json_type(disks) = 'array')
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX still_backup ON still (backup_id);
  """
