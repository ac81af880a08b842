package import Model

/// The backup schedules.
package protocol ScheduleStore {
  /// Adds a schedule.
  func insert(_ schedule: BackupSchedule) throws(CatalogError)
  /// A schedule by identifier.
  func schedule(_ id: ScheduleID) throws(CatalogError) -> BackupSchedule?
  /// A VPS's schedules, the oldest first.
  func schedules(of vps: VPSID) throws(CatalogError) -> [BackupSchedule]
  /// Enabled schedules that are to be tried by a moment, the longest due first.
  func dueSchedules(at time: Timestamp, limit: Int) throws(CatalogError) -> [BackupSchedule]
  /// Changes everything of a schedule but its owner, if nobody has had its turn meanwhile; false if
  /// somebody has: then nothing is changed.
  func update(
    _ schedule: BackupSchedule,
    expectingAttemptAt attempt: Timestamp
  ) throws(CatalogError) -> Bool
  /// Removes a schedule; its backups stay and belong to none.
  func deleteSchedule(_ id: ScheduleID) throws(CatalogError)
  /// A schedule's backups in these states, newest first.
  func backups(ofSchedule id: ScheduleID, in states: Set<BackupState>) throws(CatalogError)
    -> [Backup]
}
