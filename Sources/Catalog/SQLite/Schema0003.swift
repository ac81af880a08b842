/// Backup schedules, and which of them a backup is of.
let schema0003 = """
  CREATE TABLE backup_schedule (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES client (id),
    vps_id TEXT NOT NULL REFERENCES vps (id),
    name TEXT,
    frequency TEXT NOT NULL CHECK (frequency IN ('daily', 'weekly', 'monthly')),
    hour INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 23),
    day_of_week INTEGER CHECK (day_of_week BETWEEN 0 AND 6),
    day_of_month INTEGER CHECK (day_of_month BETWEEN 1 AND 31),
    retention_count INTEGER NOT NULL CHECK (retention_count >= 1),
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempt_at INTEGER NOT NULL,
    give_up_at INTEGER,
    last_run TEXT CHECK (last_run IS NULL OR json_valid(last_run)),
    CHECK ((frequency = 'weekly') = (day_of_week IS NOT NULL)),
    CHECK ((frequency = 'monthly') = (day_of_month IS NOT NULL))
  ) STRICT;
  CREATE INDEX backup_schedule_vps ON backup_schedule (vps_id, created_at, id);
  CREATE INDEX backup_schedule_due ON backup_schedule (attempt_at, id) WHERE enabled = 1;

  ALTER TABLE backup ADD COLUMN schedule_id TEXT
    REFERENCES backup_schedule (id) ON DELETE SET NULL;
  CREATE INDEX backup_schedule_backups ON backup (schedule_id, created_at, id)
    WHERE schedule_id IS NOT NULL;
  """
