import GRDB
import Model

extension SQLiteTransaction {
  func insert(_ undo: UndoRecord) throws(CatalogError) {
    try change(
      """
      INSERT INTO undo (vps_id, restore_job_id, until, detail, size_bytes)
      VALUES (:vps, :job, :until, :detail, :size)
      """,
      [
        "vps": undo.vpsID.text, "job": undo.restoreJobID.text, "until": undo.until.milliseconds,
        "detail": undo.detail, "size": undo.sizeBytes,
      ]
    )
  }

  func undo(of vps: VPSID) throws(CatalogError) -> UndoRecord? {
    try first("SELECT * FROM undo WHERE vps_id = :vps", ["vps": vps.text], UndoRecord.init)
  }

  func expiredUndos(node: String, at time: Timestamp) throws(CatalogError) -> [UndoRecord] {
    try all(
      """
      SELECT undo.* FROM undo JOIN vps ON vps.id = undo.vps_id
      WHERE undo.until <= :at AND vps.node = :node
      ORDER BY undo.until, undo.vps_id
      """,
      ["at": time.milliseconds, "node": node],
      UndoRecord.init
    )
  }

  func deleteUndo(of vps: VPSID) throws(CatalogError) {
    try change("DELETE FROM undo WHERE vps_id = :vps", ["vps": vps.text])
  }
}

extension UndoRecord {
  fileprivate init(_ row: Columns) throws(CatalogError) {
    self.init(
      vpsID: try row.identifier("vps_id"),
      restoreJobID: try row.identifier("restore_job_id"),
      until: try row.moment("until"),
      detail: try row.text("detail"),
      sizeBytes: try row.integer("size_bytes")
    )
  }
}
