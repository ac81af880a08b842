package import Catalog
package import Model

/// Which of a schedule's backups are kept: the newest complete ones, as many as it says.
///
/// A damaged backup counts as none, so the last good ones stay however many bad ones are newer.
package enum Retention {
  /// Who the audit log names for what schedules do.
  static let actor = "scheduler"

  /// Marks what a schedule no longer keeps as gone; the worker removes the files.
  ///
  /// Called in the transaction that completes one of its backups, so nothing goes before something
  /// newer is there. What a job needs stays until the next time. The one that has just been completed
  /// is the newest, whatever its time says: a clock that was set back would make it the oldest.
  /// Nothing goes while nobody knows what is on the VPS's disks: the new one may be worth nothing.
  package static func apply(
    after completed: Backup,
    at now: Timestamp,
    _ transaction: any CatalogTransaction
  ) throws(CatalogError) {
    guard let id = completed.scheduleID, let schedule = try transaction.schedule(id),
      try transaction.standing(of: completed.vpsID).unsettledJobID == nil
    else { return }
    let surplus = try surplus(
      of: schedule,
      keeping: schedule.retentionCount,
      newest: completed.id,
      transaction
    )
    for backup in surplus {
      var gone = backup
      gone.state = .deleting
      try transaction.update(gone)
      try transaction.append(
        AuditEntry(
          at: now,
          actor: actor,
          action: "backup.expire",
          subject: backup.id.text,
          detail: id.text
        )
      )
    }
  }

  /// How many backups will go when the next one of a schedule is complete: so many stand in nobody's
  /// way when its quota is asked.
  static func surplus(
    after schedule: BackupSchedule,
    _ transaction: any CatalogTransaction
  ) throws(CatalogError) -> Int {
    try surplus(of: schedule, keeping: schedule.retentionCount - 1, transaction).count
  }

  /// When each of a VPS's backups will go, if its schedules run as they should.
  static func expiries(
    of vps: VPSID,
    at now: Timestamp,
    _ transaction: any CatalogTransaction
  ) throws(CatalogError) -> [BackupID: Timestamp] {
    var expiries: [BackupID: Timestamp] = [:]
    let schedules = try transaction.schedules(of: vps).filter(\.isEnabled)
    guard !schedules.isEmpty, try transaction.standing(of: vps).unsettledJobID == nil else {
      return [:]
    }
    for schedule in schedules {
      let backups = try transaction.completeBackups(ofSchedule: schedule.id)
      // The oldest goes with the first turn in which there are more than are kept.
      var turn = max(now, schedule.dueAt)
      for _ in 0..<max(0, schedule.retentionCount - backups.count) {
        turn = schedule.timing.next(after: turn)
      }
      for backup in backups.reversed() {
        expiries[backup] = turn
        turn = schedule.timing.next(after: turn)
      }
    }
    return expiries
  }

  /// Everything older than the newest complete ones that no job needs.
  ///
  /// One that is held counts like any other among the newest. Among the older ones it stays where it
  /// is, and nothing else goes or stays for it.
  private static func surplus(
    of schedule: BackupSchedule,
    keeping count: Int,
    newest: BackupID? = nil,
    _ transaction: any CatalogTransaction
  ) throws(CatalogError) -> [Backup] {
    let backups = try transaction.backups(ofSchedule: schedule.id, in: [.complete, .damaged])
    let newestFirst = backups.filter { $0.id == newest } + backups.filter { $0.id != newest }
    var kept = 0
    var surplus: [Backup] = []
    for backup in newestFirst {
      if kept < count {
        if backup.state == .complete { kept += 1 }
      } else if try transaction.holders(of: backup.id).isEmpty {
        surplus.append(backup)
      }
    }
    return surplus
  }
}
