import GRDB
import Model

extension SQLiteTransaction {
  func insert(_ schedule: BackupSchedule) throws(CatalogError) {
    var arguments = try schedule.arguments()
    arguments += [
      "client": schedule.clientID.text, "vps": schedule.vpsID.text,
      "created": schedule.createdAt.milliseconds,
    ]
    try change(
      """
      INSERT INTO backup_schedule (
        id, client_id, vps_id, name, frequency, hour, day_of_week, day_of_month, retention_count,
        enabled, created_at, due_at, attempt_at, give_up_at, last_run)
      VALUES (
        :id, :client, :vps, :name, :frequency, :hour, :dayOfWeek, :dayOfMonth, :retention,
        :enabled, :created, :due, :attempt, :giveUp, :lastRun)
      """,
      arguments
    )
  }

  func schedule(_ id: ScheduleID) throws(CatalogError) -> BackupSchedule? {
    try first(
      "SELECT * FROM backup_schedule WHERE id = :id",
      ["id": id.text],
      BackupSchedule.init
    )
  }

  func schedules(of vps: VPSID) throws(CatalogError) -> [BackupSchedule] {
    try all(
      "SELECT * FROM backup_schedule WHERE vps_id = :vps ORDER BY created_at, id",
      ["vps": vps.text],
      BackupSchedule.init
    )
  }

  func dueSchedules(at time: Timestamp, limit: Int) throws(CatalogError) -> [BackupSchedule] {
    try all(
      """
      SELECT * FROM backup_schedule WHERE enabled = 1 AND attempt_at <= :now
      ORDER BY attempt_at, id LIMIT :limit
      """,
      ["now": time.milliseconds, "limit": limit],
      BackupSchedule.init
    )
  }

  func update(
    _ schedule: BackupSchedule,
    expectingAttemptAt attempt: Timestamp
  ) throws(CatalogError) -> Bool {
    var arguments = try schedule.arguments()
    arguments += ["expected": attempt.milliseconds]
    return try change(
      """
      UPDATE backup_schedule SET
        name = :name, frequency = :frequency, hour = :hour, day_of_week = :dayOfWeek,
        day_of_month = :dayOfMonth, retention_count = :retention, enabled = :enabled,
        due_at = :due, attempt_at = :attempt, give_up_at = :giveUp, last_run = :lastRun
      WHERE id = :id AND attempt_at = :expected
      """,
      arguments
    ) > 0
  }

  func deleteSchedule(_ id: ScheduleID) throws(CatalogError) {
    try change("DELETE FROM backup_schedule WHERE id = :id", ["id": id.text])
  }

  func backups(
    ofSchedule id: ScheduleID,
    in states: Set<BackupState>
  ) throws(CatalogError) -> [Backup] {
    try all(
      """
      SELECT * FROM backup
      WHERE schedule_id = :schedule AND state IN (SELECT value FROM json_each(:states))
      ORDER BY created_at DESC, id DESC
      """,
      ["schedule": id.text, "states": try jsonText(states.words)],
      Backup.init
    )
  }
}

extension BackupSchedule {
  /// What both insert and update store.
  fileprivate func arguments() throws(CatalogError) -> StatementArguments {
    [
      "id": id.text, "name": name, "frequency": timing.frequency.rawValue, "hour": timing.hour,
      "dayOfWeek": timing.dayOfWeek, "dayOfMonth": timing.dayOfMonth,
      "retention": retentionCount, "enabled": isEnabled, "due": dueAt.milliseconds,
      "attempt": attemptAt.milliseconds, "giveUp": giveUpAt?.milliseconds,
      "lastRun": try jsonTextIfAny(lastRun),
    ]
  }

  fileprivate init(_ row: Columns) throws(CatalogError) {
    self.init(
      id: try row.identifier("id"),
      clientID: try row.identifier("client_id"),
      vpsID: try row.identifier("vps_id"),
      name: row.textIfAny("name"),
      timing: try Self.timing(row),
      retentionCount: Int(try row.integer("retention_count")),
      isEnabled: try row.flag("enabled"),
      createdAt: try row.moment("created_at")
    )
    dueAt = try row.moment("due_at")
    attemptAt = try row.moment("attempt_at")
    giveUpAt = row.momentIfAny("give_up_at")
    lastRun = try row.jsonIfAny("last_run")
  }

  private static func timing(_ row: Columns) throws(CatalogError) -> ScheduleTiming {
    let frequency: ScheduleFrequency = try row.word("frequency")
    let hour = Int(try row.integer("hour"))
    do throws(Refusal) {
      return try ScheduleTiming(
        frequency: frequency,
        hour: hour,
        dayOfWeek: row.integerIfAny("day_of_week").map { Int($0) },
        dayOfMonth: row.integerIfAny("day_of_month").map { Int($0) }
      )
    } catch {
      throw .failed("a schedule's timing is malformed")
    }
  }
}
