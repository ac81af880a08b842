/// The network cards whose links were set down because a guest showed another VPS's address.
///
/// They are set up again for the disk that comes after, so this outlives the job's undo.
let schema0010 = """
  CREATE TABLE cut_link (
    vps_id TEXT NOT NULL REFERENCES vps (id),
    mac TEXT NOT NULL CHECK (mac <> ''),
    job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    PRIMARY KEY (vps_id, mac)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX cut_link_job ON cut_link (job_id);
  """
