/// What a job may take of its host; see `JobLimits`.
let schema0005 = """
  ALTER TABLE job ADD COLUMN limits TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(limits));
  """
