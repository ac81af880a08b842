import GRDB
import Model

extension SQLiteTransaction {
  func appendStep(
    name: String,
    phase: StepPhase,
    detail: String,
    at time: Timestamp,
    lease: Lease
  ) throws(CatalogError) -> Int? {
    let sequence = try first(
      """
      SELECT (SELECT coalesce(max(sequence), 0) + 1 FROM job_step WHERE job_id = job.id) AS next
      FROM job WHERE id = :id AND lease_token = :token
      """,
      ["id": lease.jobID.text, "token": lease.token]
    ) { row throws(CatalogError) in Int(try row.integer("next")) }
    guard let sequence else { return nil }
    try change(
      """
      INSERT INTO job_step (job_id, sequence, name, phase, detail, at)
      VALUES (:id, :sequence, :name, :phase, :detail, :at)
      """,
      [
        "id": lease.jobID.text, "sequence": sequence, "name": name, "phase": phase.rawValue,
        "detail": detail, "at": time.milliseconds,
      ]
    )
    return sequence
  }

  func steps(of job: JobID) throws(CatalogError) -> [JobStep] {
    try all(
      "SELECT * FROM job_step WHERE job_id = :job ORDER BY sequence",
      ["job": job.text],
      JobStep.init
    )
  }

  func steps(of job: JobID, named names: Set<String>) throws(CatalogError) -> [JobStep] {
    try all(
      """
      SELECT * FROM job_step
      WHERE job_id = :job AND name IN (SELECT value FROM json_each(:names)) ORDER BY sequence
      """,
      ["job": job.text, "names": try jsonText(names.sorted())],
      JobStep.init
    )
  }
}

extension JobStep {
  fileprivate init(_ row: Columns) throws(CatalogError) {
    self.init(
      jobID: try row.identifier("job_id"),
      sequence: Int(try row.integer("sequence")),
      name: try row.text("name"),
      phase: try row.word("phase"),
      detail: try row.text("detail"),
      at: try row.moment("at")
    )
  }
}
