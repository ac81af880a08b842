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

  func auditRecords(_ filter: AuditFilter) throws(CatalogError) -> [AuditRecord] {
    var query = Query("SELECT * FROM audit")
    query.require("actor = :actor", "actor", filter.actor)
    query.require("subject = :subject", "subject", filter.subject)
    query.require("action = :action", "action", filter.action)
    query.require("sequence < :before", "before", filter.before)
    // Clocks can be set back, so the moment itself is asked for; where to stop is not found by
    // walking to the log's beginning, though.
    query.require("at >= :since", "since", filter.since?.milliseconds)
    if filter.since != nil {
      query.require("sequence >= (SELECT min(sequence) FROM audit WHERE at >= :since)")
    }
    return try all(
      query.sql(order: "sequence DESC", limit: filter.limit),
      query.arguments
    ) { row throws(CatalogError) in
      AuditRecord(sequence: try row.integer("sequence"), entry: try AuditEntry(row))
    }
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
