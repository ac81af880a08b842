/// When backups were verified and what was bad of them, and the tasks on datastores.
let schema0007 = """
  ALTER TABLE backup ADD COLUMN verified_at INTEGER;
  CREATE INDEX backup_verified ON backup (coalesce(verified_at, created_at), id)
    WHERE state IN ('complete', 'damaged');

  CREATE TABLE backup_damage (
    backup_id TEXT NOT NULL REFERENCES backup (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('chunk', 'file')),
    name TEXT NOT NULL,
    PRIMARY KEY (backup_id, kind, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE store_task (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    node TEXT NOT NULL REFERENCES node (name),
    kind TEXT NOT NULL CHECK (kind IN ('collect', 'verify')),
    backup_id TEXT NOT NULL DEFAULT '',
    verified_before INTEGER,
    actor TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'completed', 'failed')),
    percent INTEGER NOT NULL CHECK (percent BETWEEN 0 AND 100),
    message TEXT NOT NULL,
    garbage TEXT CHECK (garbage IS NULL OR json_valid(garbage)),
    verification TEXT CHECK (verification IS NULL OR json_valid(verification)),
    failure TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX store_task_unfinished ON store_task (node, kind, backup_id)
    WHERE state IN ('queued', 'running');
  CREATE INDEX store_task_newest ON store_task (node, kind, number);
  """
