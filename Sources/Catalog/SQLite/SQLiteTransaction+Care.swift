import GRDB
import Model

extension SQLiteTransaction {
  func recordVerification(
    of id: BackupID,
    at time: Timestamp,
    damage: [DamagedPart]
  ) throws(CatalogError) -> Bool {
    let changed = try change(
      """
      UPDATE backup SET verified_at = :at, state = :state
      WHERE id = :id AND state IN ('complete', 'damaged')
      """,
      [
        "id": id.text, "at": time.milliseconds,
        "state": (damage.isEmpty ? BackupState.complete : .damaged).rawValue,
      ]
    )
    guard changed > 0 else { return false }
    try change("DELETE FROM backup_damage WHERE backup_id = :id", ["id": id.text])
    for part in damage.prefix(Limits.damagedParts) {
      try change(
        "INSERT OR IGNORE INTO backup_damage (backup_id, kind, name) VALUES (:id, :kind, :name)",
        ["id": id.text, "kind": part.kind.rawValue, "name": part.name]
      )
    }
    return true
  }

  func damage(of id: BackupID) throws(CatalogError) -> [DamagedPart] {
    try all(
      "SELECT kind, name FROM backup_damage WHERE backup_id = :id ORDER BY kind, name",
      ["id": id.text]
    ) { row throws(CatalogError) in
      DamagedPart(try row.word("kind"), try row.text("name"))
    }
  }

  func backupsToVerify(
    node: String,
    before time: Timestamp,
    limit: Int
  ) throws(CatalogError) -> [Backup] {
    // The index is named, since the planner would rather sort all backups of the node.
    try all(
      """
      SELECT backup.* FROM backup INDEXED BY backup_verified
      CROSS JOIN vps ON vps.id = backup.vps_id
      WHERE backup.state IN ('complete', 'damaged') AND vps.node = :node
        AND coalesce(backup.verified_at, backup.created_at) < :before
      ORDER BY coalesce(backup.verified_at, backup.created_at), backup.id LIMIT :limit
      """,
      ["node": node, "before": time.milliseconds, "limit": limit],
      Backup.init
    )
  }

  func insert(_ task: StoreTask) throws(CatalogError) -> StoreTask {
    let open = try first(
      """
      SELECT * FROM store_task
      WHERE node = :node AND kind = :kind AND backup_id = :backup
        AND state IN ('queued', 'running')
      """,
      [
        "node": task.node, "kind": task.kind.rawValue, "backup": task.backupID?.text ?? "",
      ],
      StoreTask.init
    )
    if let open { return open }
    try change(
      """
      INSERT INTO store_task (
        node, kind, backup_id, verified_before, actor, state, percent, message, created_at)
      VALUES (:node, :kind, :backup, :before, :actor, :state, :percent, :message, :created)
      """,
      [
        "node": task.node, "kind": task.kind.rawValue, "backup": task.backupID?.text ?? "",
        "before": task.verifiedBefore?.milliseconds, "actor": task.actor,
        "state": task.state.rawValue, "percent": task.percent, "message": task.message,
        "created": task.createdAt.milliseconds,
      ]
    )
    let stored = try storeTasks(node: task.node, kind: task.kind, limit: 1).first
    guard let stored else { throw .failed("a stored task isn't there") }
    return stored
  }

  func storeTask(_ number: Int64) throws(CatalogError) -> StoreTask? {
    try first(
      "SELECT * FROM store_task WHERE number = :number",
      ["number": number],
      StoreTask.init
    )
  }

  func storeTasks(
    node: String,
    kind: StoreTaskKind,
    limit: Int
  ) throws(CatalogError) -> [StoreTask] {
    try all(
      """
      SELECT * FROM store_task WHERE node = :node AND kind = :kind
      ORDER BY number DESC LIMIT :limit
      """,
      ["node": node, "kind": kind.rawValue, "limit": limit],
      StoreTask.init
    )
  }

  func nextStoreTask(node: String) throws(CatalogError) -> StoreTask? {
    try first(
      """
      SELECT * FROM store_task WHERE node = :node AND state IN ('queued', 'running')
      ORDER BY number LIMIT 1
      """,
      ["node": node],
      StoreTask.init
    )
  }

  func update(_ task: StoreTask) throws(CatalogError) {
    try changeOne(
      """
      UPDATE store_task SET
        state = :state, percent = :percent, message = :message, garbage = :garbage,
        verification = :verification, failure = :failure, finished_at = :finished
      WHERE number = :number
      """,
      [
        "number": task.number, "state": task.state.rawValue,
        "percent": min(100, max(0, task.percent)), "message": task.message,
        "garbage": try jsonTextIfAny(task.garbage),
        "verification": try jsonTextIfAny(task.verification), "failure": task.failure,
        "finished": task.finishedAt?.milliseconds,
      ]
    )
    guard task.state.isFinal else { return }
    try change(
      """
      DELETE FROM store_task
      WHERE node = :node AND kind = :kind AND state IN ('completed', 'failed') AND number <= (
        SELECT number FROM store_task WHERE node = :node AND kind = :kind
        ORDER BY number DESC LIMIT 1 OFFSET :kept)
      """,
      ["node": task.node, "kind": task.kind.rawValue, "kept": Limits.storeTasksKept]
    )
  }
}

extension StoreTask {
  fileprivate init(_ row: Columns) throws(CatalogError) {
    let backup = try row.text("backup_id")
    self.init(
      number: try row.integer("number"),
      node: try row.text("node"),
      kind: try row.word("kind"),
      backupID: backup.isEmpty ? nil : try row.identifier("backup_id"),
      verifiedBefore: row.momentIfAny("verified_before"),
      actor: try row.text("actor"),
      state: try row.word("state"),
      percent: Int(try row.integer("percent")),
      message: try row.text("message"),
      garbage: try row.jsonIfAny("garbage"),
      verification: try row.jsonIfAny("verification"),
      failure: row.textIfAny("failure"),
      createdAt: try row.moment("created_at"),
      finishedAt: row.momentIfAny("finished_at")
    )
  }
}
