import GRDB
import Model

extension SQLiteTransaction {
  func insert(_ job: Job) throws(CatalogError) {
    try change(
      """
      INSERT INTO job (
        id, client_id, vps_id, node, kind, class, task, state, attempts, progress, result,
        failure, cancel_requested, needs_operator, limits, created_at, started_at, finished_at,
        due_at)
      VALUES (
        :id, :client, :vps, :node, :kind, :class, :task, :state, :attempts, :progress, :result,
        :failure, :cancel, :operator, :limits, :created, :started, :finished, :due)
      """,
      [
        "id": job.id.text, "client": job.clientID.text, "vps": job.vpsID.text, "node": job.node,
        "kind": job.task.kind.rawValue, "class": job.task.jobClass.rawValue,
        "task": try jsonText(job.task), "state": job.state.rawValue, "attempts": job.attempts,
        "progress": try jsonText(job.progress), "result": try jsonTextIfAny(job.result),
        "failure": try jsonTextIfAny(job.failure), "cancel": job.isCancelRequested,
        "operator": job.needsOperator, "limits": try jsonText(job.limits),
        "created": job.createdAt.milliseconds, "started": job.startedAt?.milliseconds,
        "finished": job.finishedAt?.milliseconds,
        "due": job.state == .waiting ? job.createdAt.milliseconds : nil,
      ],
      unique: .unfinishedJob
    )
  }

  func job(_ id: JobID) throws(CatalogError) -> Job? {
    try first("SELECT * FROM job WHERE id = :id", ["id": id.text], Job.init)
  }

  func jobs(_ filter: JobFilter) throws(CatalogError) -> [Job] {
    var query = Query("SELECT * FROM job")
    query.require("client_id = :client", "client", filter.clientID?.text)
    query.require("vps_id = :vps", "vps", filter.vpsID?.text)
    query.require(
      "kind IN (SELECT value FROM json_each(:kinds))",
      "kinds",
      try jsonTextIfAny(filter.kinds?.words)
    )
    query.require(
      "state IN (SELECT value FROM json_each(:states))",
      "states",
      try jsonTextIfAny(filter.states?.words)
    )
    return try all(
      query.sql(order: "created_at DESC, id DESC", limit: filter.limit),
      query.arguments,
      Job.init
    )
  }

  func unfinishedJob(of vps: VPSID, class: JobClass) throws(CatalogError) -> Job? {
    try first(
      """
      SELECT * FROM job
      WHERE vps_id = :vps AND class = :class AND state IN ('queued', 'running', 'waiting')
      """,
      ["vps": vps.text, "class": `class`.rawValue],
      Job.init
    )
  }

  func settle(_ id: JobID) throws(CatalogError) -> Bool {
    try change(
      "UPDATE job SET needs_operator = 0 WHERE id = :id AND needs_operator = 1",
      ["id": id.text]
    ) > 0
  }

  func unsettledCount() throws(CatalogError) -> Int {
    let count = try first("SELECT count(*) AS count FROM job WHERE needs_operator = 1", [:]) {
      row throws(CatalogError) in Int(try row.integer("count"))
    }
    return count ?? 0
  }

  func overtake(
    _ id: JobID,
    failure: JobFailure,
    at time: Timestamp
  ) throws(CatalogError) -> Bool {
    try change(
      """
      UPDATE job SET
        state = 'cancelled', cancel_requested = 1, failure = :failure, finished_at = :at,
        due_at = NULL, lease_token = NULL, lease_until = NULL
      WHERE id = :id AND class = 'power' AND state IN ('queued', 'running', 'waiting')
      """,
      ["id": id.text, "failure": try jsonText(failure), "at": time.milliseconds]
    ) > 0
  }

  func unfinishedCounts() throws(CatalogError) -> [JobCount] {
    try all(
      """
      SELECT kind, state, count(*) AS count, min(created_at) AS oldest FROM job
      WHERE state IN ('queued', 'running', 'waiting') GROUP BY kind, state ORDER BY kind, state
      """,
      [:]
    ) { row throws(CatalogError) in
      JobCount(
        kind: try row.word("kind"),
        state: try row.word("state"),
        count: Int(try row.integer("count")),
        oldest: try row.moment("oldest")
      )
    }
  }

  func requestCancel(_ id: JobID) throws(CatalogError) {
    // One that waits for its next try is due at once: its owner waits for it to end.
    try change(
      """
      UPDATE job SET cancel_requested = 1, due_at = min(due_at, created_at)
      WHERE id = :id AND state IN ('queued', 'running', 'waiting')
      """,
      ["id": id.text]
    )
  }

  func setLimits(_ limits: JobLimits, of id: JobID) throws(CatalogError) -> Bool {
    try change(
      """
      UPDATE job SET limits = :limits
      WHERE id = :id AND state IN ('queued', 'running', 'waiting')
      """,
      ["id": id.text, "limits": try jsonText(limits)]
    ) > 0
  }

  func cancelUnclaimed(
    _ id: JobID,
    failure: JobFailure,
    at time: Timestamp
  ) throws(CatalogError) -> Bool {
    try change(
      """
      UPDATE job SET
        state = 'cancelled', cancel_requested = 1, failure = :failure, finished_at = :at,
        due_at = NULL
      WHERE id = :id
        AND (state IN ('queued', 'waiting') OR (state = 'running' AND lease_token IS NULL))
        AND NOT EXISTS (SELECT 1 FROM job_step WHERE job_id = :id)
      """,
      ["id": id.text, "failure": try jsonText(failure), "at": time.milliseconds]
    ) > 0
  }
}

extension Job {
  fileprivate init(_ row: Columns) throws(CatalogError) {
    self.init(
      id: try row.identifier("id"),
      clientID: try row.identifier("client_id"),
      vpsID: try row.identifier("vps_id"),
      node: try row.text("node"),
      task: try row.json("task"),
      state: try row.word("state"),
      attempts: Int(try row.integer("attempts")),
      progress: try row.json("progress"),
      result: try row.jsonIfAny("result"),
      failure: try row.jsonIfAny("failure"),
      isCancelRequested: try row.flag("cancel_requested"),
      needsOperator: try row.flag("needs_operator"),
      limits: try row.json("limits"),
      createdAt: try row.moment("created_at"),
      startedAt: row.momentIfAny("started_at"),
      finishedAt: row.momentIfAny("finished_at")
    )
  }
}
