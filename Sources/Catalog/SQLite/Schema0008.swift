/// Host space that accepted restores are going to take.
///
/// A job lets go of it at the latest when it ends, however it ends.
let schema0008 = """
  CREATE TABLE reservation (
    job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    node TEXT NOT NULL REFERENCES node (name),
    file_system TEXT NOT NULL CHECK (file_system <> ''),
    bytes INTEGER NOT NULL CHECK (bytes > 0),
    PRIMARY KEY (job_id, file_system)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX reservation_space ON reservation (node, file_system, bytes);
  CREATE TRIGGER reservation_ended AFTER UPDATE OF state ON job
    WHEN NEW.state NOT IN ('queued', 'running', 'waiting')
    BEGIN DELETE FROM reservation WHERE job_id = NEW.id; END;
  """
