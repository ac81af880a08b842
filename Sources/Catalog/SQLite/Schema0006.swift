/// Jobs that have left the disks of their VPS so that an operator must look at them, until he has.
///
/// Of an earlier file those count after which no restore or undo has put known disks in their place.
let schema0006 = """
  ALTER TABLE job ADD COLUMN needs_operator INTEGER NOT NULL DEFAULT 0
    CHECK (needs_operator IN (0, 1));
  CREATE INDEX job_needs_operator ON job (vps_id) WHERE needs_operator = 1;

  UPDATE job SET needs_operator = 1
  WHERE kind IN ('restore', 'undo') AND state = 'failed'
    AND json_extract(failure, '$.left') = 'needs_operator'
    AND NOT EXISTS (
      SELECT 1 FROM job AS later
      WHERE later.vps_id = job.vps_id AND later.kind IN ('restore', 'undo')
        AND later.state = 'completed'
        AND (later.created_at, later.id) > (job.created_at, job.id));
  """
