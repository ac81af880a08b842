import GRDB
import Model

extension SQLiteTransaction {
  func backups(
    of vps: VPSID,
    in states: Set<BackupState>,
    after place: BackupPlace?,
    limit: Int
  ) throws(CatalogError) -> [Backup] {
    let time = place?.createdAt.milliseconds ?? Int64.max
    // Named, so that no statistics can make SQLite sort all of them by another index.
    return try all(
      """
      SELECT * FROM backup INDEXED BY backup_vps
      WHERE vps_id = :vps AND (created_at, id) < (:at, :id)
        AND state IN (SELECT value FROM json_each(:states))
      ORDER BY created_at DESC, id DESC LIMIT :limit
      """,
      [
        "vps": vps.text, "at": time, "id": place?.id.text ?? "",
        "states": try jsonText(states.words), "limit": limit,
      ],
      Backup.init
    )
  }

  func completeBackups(ofSchedule id: ScheduleID) throws(CatalogError) -> [BackupID] {
    try all(
      """
      SELECT id FROM backup WHERE schedule_id = :schedule AND state = 'complete'
      ORDER BY created_at DESC, id DESC
      """,
      ["schedule": id.text]
    ) { row throws(CatalogError) in try row.identifier("id") }
  }

  func backupOwners(
    ofClient client: ClientID,
    in states: Set<BackupState>,
    from vps: VPSID?,
    limit: Int
  ) throws(CatalogError) -> [BackupOwner] {
    try all(
      """
      SELECT id, EXISTS (
        SELECT 1 FROM backup WHERE vps_id = vps.id
          AND state IN (SELECT value FROM json_each(:states))) AS has_backups
      FROM vps INDEXED BY vps_client
      WHERE client_id = :client AND id >= :from ORDER BY id LIMIT :limit
      """,
      [
        "client": client.text, "states": try jsonText(states.words), "from": vps?.text ?? "",
        "limit": limit,
      ]
    ) { row throws(CatalogError) in
      BackupOwner(vpsID: try row.identifier("id"), hasBackups: try row.flag("has_backups"))
    }
  }
}
