import GRDB
import Model

extension SQLiteTransaction {
  func append(_ entry: AuditEntry) throws(CatalogError) {
    try change(
      """
      INSERT INTO audit (at, actor, action, subject, address, request_id, detail)
      VALUES (:at, :actor, :action, :subject, :address, :request, :detail)
      """,
      [
        "at": entry.at.milliseconds, "actor": entry.actor, "action": entry.action,
        "subject": entry.subject, "address": entry.address, "request": entry.requestID?.text,
        "detail": entry.detail,
      ]
    )
  }

  func auditEntries(limit: Int) throws(CatalogError) -> [AuditEntry] {
    try all(
      "SELECT * FROM audit ORDER BY sequence DESC LIMIT :limit",
      ["limit": limit],
      AuditEntry.init
    )
  }
}

extension AuditEntry {
  fileprivate init(_ row: Columns) throws(CatalogError) {
    self.init(
      at: try row.moment("at"),
      actor: try row.text("actor"),
      action: try row.text("action"),
      subject: try row.text("subject"),
      address: row.textIfAny("address"),
      requestID: try row.identifierIfAny("request_id"),
      detail: row.textIfAny("detail")
    )
  }
}
