import GRDB
import Model

// Whoever writes under a lease names its token. A job has the token of its last claim only, so
// what a worker writes after it has lost its lease meets no row.

extension SQLiteTransaction {
  func claimJob(
    node: String,
    classes: Set<JobClass>,
    token: String,
    now: Timestamp,
    leaseUntil: Timestamp
  ) throws(CatalogError) -> Job? {
    let oldest = try first(
      """
      SELECT id FROM job
      WHERE node = :node AND state IN ('queued', 'running', 'waiting')
        AND class IN (SELECT value FROM json_each(:classes))
        AND CASE state
          WHEN 'queued' THEN 1
          WHEN 'waiting' THEN due_at IS NULL OR due_at <= :now
          ELSE lease_until IS NULL OR lease_until <= :now
        END
      ORDER BY created_at, id LIMIT 1
      """,
      [
        "node": node, "now": now.milliseconds, "classes": try jsonText(classes.words),
      ]
    ) { row throws(CatalogError) -> JobID in try row.identifier("id") }
    guard let oldest else { return nil }
    try change(
      """
      UPDATE job SET
        state = 'running', attempts = attempts + 1, started_at = coalesce(started_at, :now),
        due_at = NULL, lease_token = :token, lease_until = :until
      WHERE id = :id
      """,
      [
        "id": oldest.text, "now": now.milliseconds, "token": token,
        "until": leaseUntil.milliseconds,
      ]
    )
    return try job(oldest)
  }

  func renew(_ lease: Lease) throws(CatalogError) -> LeaseStatus {
    let cancelRequested = try first(
      "SELECT cancel_requested FROM job WHERE id = :id AND lease_token = :token",
      ["id": lease.jobID.text, "token": lease.token]
    ) { row throws(CatalogError) in try row.flag("cancel_requested") }
    guard let cancelRequested else { return .lost }
    try change(
      "UPDATE job SET lease_until = :until WHERE id = :id AND lease_token = :token",
      [
        "id": lease.jobID.text, "token": lease.token, "until": lease.until.milliseconds,
      ]
    )
    return .held(cancelRequested: cancelRequested)
  }

  func giveBack(_ lease: Lease, until time: Timestamp) throws(CatalogError) -> Bool {
    try change(
      """
      UPDATE job SET
        state = 'waiting', attempts = attempts - 1, due_at = :due, lease_token = NULL,
        lease_until = NULL, started_at = iif(attempts > 1, started_at, NULL)
      WHERE id = :id AND lease_token = :token
      """,
      ["id": lease.jobID.text, "token": lease.token, "due": time.milliseconds]
    ) > 0
  }

  func releaseLeases(node: String) throws(CatalogError) {
    try change(
      """
      UPDATE job SET lease_token = NULL, lease_until = NULL
      WHERE node = :node AND state IN ('queued', 'running', 'waiting')
      """,
      ["node": node]
    )
  }

  func setProgress(_ progress: JobProgress, lease: Lease) throws(CatalogError) -> Bool {
    try change(
      "UPDATE job SET progress = :progress WHERE id = :id AND lease_token = :token",
      [
        "id": lease.jobID.text, "token": lease.token, "progress": try jsonText(progress),
      ]
    ) > 0
  }

  func finish(
    _ lease: Lease,
    state: JobState,
    result: JobResult?,
    failure: JobFailure?,
    at time: Timestamp
  ) throws(CatalogError) -> Bool {
    guard state.isFinal else { throw .failed("\(state.rawValue) isn't a final state") }
    return try change(
      """
      UPDATE job SET
        state = :state, result = :result, failure = :failure, finished_at = :at,
        needs_operator = (kind IN ('restore', 'undo') AND :operator), lease_token = NULL,
        lease_until = NULL
      WHERE id = :id AND lease_token = :token
      """,
      [
        "id": lease.jobID.text, "token": lease.token, "state": state.rawValue,
        "result": try jsonTextIfAny(result), "failure": try jsonTextIfAny(failure),
        "at": time.milliseconds, "operator": failure?.left == .needsOperator,
      ]
    ) > 0
  }

  func postpone(
    _ lease: Lease,
    until time: Timestamp,
    failure: JobFailure
  ) throws(CatalogError) -> Bool {
    // A cancel that came meanwhile must not wait for the next try.
    try change(
      """
      UPDATE job SET
        state = 'waiting', failure = :failure,
        due_at = iif(cancel_requested, created_at, :due), lease_token = NULL, lease_until = NULL
      WHERE id = :id AND lease_token = :token
      """,
      [
        "id": lease.jobID.text, "token": lease.token, "due": time.milliseconds,
        "failure": try jsonText(failure),
      ]
    ) > 0
  }
}
