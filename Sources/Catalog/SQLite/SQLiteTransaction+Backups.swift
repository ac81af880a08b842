import GRDB
import Model

extension SQLiteTransaction {
  func insert(_ backup: Backup) throws(CatalogError) {
    var arguments = try backup.arguments()
    arguments += [
      "client": backup.clientID.text, "vps": backup.vpsID.text, "type": backup.type.rawValue,
      "created": backup.createdAt.milliseconds, "schedule": backup.scheduleID?.text,
    ]
    try change(
      """
      INSERT INTO backup (
        id, client_id, vps_id, state, type, schedule_id, note, created_at, snapshot_path, contents,
        expires_at)
      VALUES (
        :id, :client, :vps, :state, :type, :schedule, :note, :created, :path, :contents,
        :expires)
      """,
      arguments
    )
  }

  func backup(_ id: BackupID) throws(CatalogError) -> Backup? {
    try first("SELECT * FROM backup WHERE id = :id", ["id": id.text], Backup.init)
  }

  func backups(of vps: VPSID, in states: Set<BackupState>) throws(CatalogError) -> [Backup] {
    try all(
      """
      SELECT * FROM backup
      WHERE vps_id = :vps AND state IN (SELECT value FROM json_each(:states))
      ORDER BY created_at DESC, id DESC
      """,
      ["vps": vps.text, "states": try jsonText(states.words)],
      Backup.init
    )
  }

  func countBackups(
    of vps: VPSID,
    in states: Set<BackupState>
  ) throws(CatalogError) -> Int {
    let count = try first(
      """
      SELECT count(*) AS count FROM backup
      WHERE vps_id = :vps AND state IN (SELECT value FROM json_each(:states))
      """,
      ["vps": vps.text, "states": try jsonText(states.words)]
    ) { row throws(CatalogError) in Int(try row.integer("count")) }
    return count ?? 0
  }

  func backups(in states: Set<BackupState>) throws(CatalogError) -> [Backup] {
    try all(
      """
      SELECT * FROM backup WHERE state IN (SELECT value FROM json_each(:states))
      ORDER BY created_at, id
      """,
      ["states": try jsonText(states.words)],
      Backup.init
    )
  }

  func update(_ backup: Backup) throws(CatalogError) {
    try changeOne(
      """
      UPDATE backup SET
        state = :state, note = :note, snapshot_path = :path, contents = :contents,
        expires_at = :expires
      WHERE id = :id
      """,
      try backup.arguments()
    )
  }

  func deleteBackup(_ id: BackupID) throws(CatalogError) {
    try change("DELETE FROM backup WHERE id = :id", ["id": id.text])
  }
}

extension Backup {
  /// What both insert and update store.
  fileprivate func arguments() throws(CatalogError) -> StatementArguments {
    [
      "id": id.text, "state": state.rawValue, "note": note, "path": snapshotPath,
      "contents": try jsonTextIfAny(contents), "expires": expiresAt?.milliseconds,
    ]
  }

  init(_ row: Columns) throws(CatalogError) {
    self.init(
      id: try row.identifier("id"),
      clientID: try row.identifier("client_id"),
      vpsID: try row.identifier("vps_id"),
      state: try row.word("state"),
      type: try row.word("type"),
      scheduleID: try row.identifierIfAny("schedule_id"),
      note: row.textIfAny("note"),
      createdAt: try row.moment("created_at"),
      snapshotPath: row.textIfAny("snapshot_path"),
      contents: try row.jsonIfAny("contents"),
      expiresAt: row.momentIfAny("expires_at"),
      verifiedAt: row.momentIfAny("verified_at")
    )
  }
}

extension Set where Element: RawRepresentable<String> {
  /// The stored words, in an order that depends on nothing but the set.
  var words: [String] { map(\.rawValue).sorted() }
}
