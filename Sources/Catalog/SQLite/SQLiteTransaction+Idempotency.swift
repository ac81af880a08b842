import Foundation
import GRDB
import Model

extension SQLiteTransaction {
  func insert(_ record: IdempotencyRecord) throws(CatalogError) {
    try change(
      """
      INSERT INTO idempotency (
        key_id, idempotency_key, method, path, body_hash, status, answer, created_at)
      VALUES (:key, :value, :method, :path, :hash, :status, :answer, :at)
      """,
      [
        "key": record.request.keyID.text, "value": record.request.idempotencyKey,
        "method": record.request.method, "path": record.request.path,
        "hash": Data(record.request.bodyHash), "status": record.answer.status,
        "answer": Data(record.answer.body), "at": record.at.milliseconds,
      ]
    )
  }

  func idempotencyRecord(
    of key: KeyID,
    _ idempotencyKey: String
  ) throws(CatalogError) -> IdempotencyRecord? {
    try first(
      """
      WITH RECURSIVE line (id, step) AS (
        SELECT :key, 0
        UNION ALL
        SELECT api_key.replaces, line.step + 1 FROM line JOIN api_key ON api_key.id = line.id
        WHERE api_key.replaces IS NOT NULL AND line.step < :most
      )
      SELECT idempotency.* FROM line
      JOIN idempotency ON idempotency.key_id = line.id AND idempotency.idempotency_key = :value
      ORDER BY line.step LIMIT 1
      """,
      ["key": key.text, "value": idempotencyKey, "most": Limits.keyLine],
      IdempotencyRecord.init
    )
  }

  func deleteIdempotencyRecord(of key: KeyID, _ idempotencyKey: String) throws(CatalogError) {
    try change(
      "DELETE FROM idempotency WHERE key_id = :key AND idempotency_key = :value",
      ["key": key.text, "value": idempotencyKey]
    )
  }

  func deleteIdempotencyRecords(
    before time: Timestamp,
    limit: Int
  ) throws(CatalogError) -> Int {
    try change(
      """
      DELETE FROM idempotency WHERE (key_id, idempotency_key) IN (
        SELECT key_id, idempotency_key FROM idempotency
        WHERE created_at < :time ORDER BY created_at LIMIT :limit)
      """,
      ["time": time.milliseconds, "limit": limit]
    )
  }
}

extension IdempotencyRecord {
  fileprivate init(_ row: Columns) throws(CatalogError) {
    self.init(
      request: IdempotentRequest(
        keyID: try row.identifier("key_id"),
        idempotencyKey: try row.text("idempotency_key"),
        method: try row.text("method"),
        path: try row.text("path"),
        bodyHash: try row.bytes("body_hash")
      ),
      answer: KeptAnswer(
        status: Int(try row.integer("status")),
        body: try row.bytes("answer")
      ),
      at: try row.moment("created_at")
    )
  }
}
