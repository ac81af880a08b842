import GRDB
import Model

extension SQLiteTransaction {
  func setCheckpoint(_ checkpoint: Checkpoint) throws(CatalogError) {
    try change(
      """
      INSERT INTO checkpoint (vps_id, name, backup_id, domain_uuid, disks, created_at)
      VALUES (:vps, :name, :backup, :domain, :disks, :created)
      ON CONFLICT (vps_id) DO UPDATE SET
        name = :name, backup_id = :backup, domain_uuid = :domain, disks = :disks,
        created_at = :created
      """,
      [
        "vps": checkpoint.vpsID.text, "name": checkpoint.name,
        "backup": checkpoint.backupID?.text, "domain": checkpoint.domainUUID,
        "disks": try jsonText(checkpoint.disks), "created": checkpoint.createdAt.milliseconds,
      ]
    )
  }

  func checkpoint(of vps: VPSID) throws(CatalogError) -> Checkpoint? {
    try first(
      "SELECT * FROM checkpoint WHERE vps_id = :vps",
      ["vps": vps.text],
      Checkpoint.init
    )
  }

  func setStillDisks(_ disks: StillDisks) throws(CatalogError) {
    try change(
      """
      INSERT INTO still (vps_id, backup_id, disks) VALUES (:vps, :backup, :disks)
      ON CONFLICT (vps_id) DO UPDATE SET backup_id = :backup, disks = :disks
      """,
      [
        "vps": disks.vpsID.text, "backup": disks.backupID.text,
        "disks": try jsonText(disks.disks),
      ]
    )
  }

  func stillDisks(of vps: VPSID) throws(CatalogError) -> StillDisks? {
    try first("SELECT * FROM still WHERE vps_id = :vps", ["vps": vps.text]) {
      row throws(CatalogError) in
      StillDisks(
        vpsID: try row.identifier("vps_id"),
        backupID: try row.identifier("backup_id"),
        disks: try row.json("disks")
      )
    }
  }

  func deleteCheckpoint(of vps: VPSID) throws(CatalogError) {
    try change("DELETE FROM checkpoint WHERE vps_id = :vps", ["vps": vps.text])
  }
}

extension Checkpoint {
  fileprivate init(_ row: Columns) throws(CatalogError) {
    self.init(
      vpsID: try row.identifier("vps_id"),
      name: try row.text("name"),
      backupID: try row.identifierIfAny("backup_id"),
      domainUUID: try row.text("domain_uuid"),
      disks: try row.json("disks"),
      createdAt: try row.moment("created_at")
    )
  }
}
