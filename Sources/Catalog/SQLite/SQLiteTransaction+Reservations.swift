import GRDB
import Model

extension SQLiteTransaction {
  func insert(_ reservation: SpaceReservation) throws(CatalogError) {
    try change(
      """
      INSERT INTO reservation (job_id, node, file_system, bytes)
      VALUES (:job, :node, :fileSystem, :bytes)
      """,
      [
        "job": reservation.jobID.text, "node": reservation.node,
        "fileSystem": reservation.fileSystem, "bytes": reservation.bytes,
      ]
    )
  }

  func reservedBytes(node: String, fileSystem: String) throws(CatalogError) -> Int64 {
    let total = try first(
      """
      SELECT coalesce(sum(bytes), 0) AS bytes FROM reservation
      WHERE node = :node AND file_system = :fileSystem
      """,
      ["node": node, "fileSystem": fileSystem]
    ) { row throws(CatalogError) in try row.integer("bytes") }
    return total ?? 0
  }

  func reservedBytes(of job: JobID, fileSystem: String) throws(CatalogError) -> Int64 {
    let bytes = try first(
      "SELECT bytes FROM reservation WHERE job_id = :job AND file_system = :fileSystem",
      ["job": job.text, "fileSystem": fileSystem]
    ) { row throws(CatalogError) in try row.integer("bytes") }
    return bytes ?? 0
  }

  func raise(to reservation: SpaceReservation) throws(CatalogError) {
    try change(
      """
      INSERT INTO reservation (job_id, node, file_system, bytes)
      VALUES (:job, :node, :fileSystem, :bytes)
      ON CONFLICT (job_id, file_system) DO UPDATE SET bytes = max(bytes, excluded.bytes)
      """,
      [
        "job": reservation.jobID.text, "node": reservation.node,
        "fileSystem": reservation.fileSystem, "bytes": reservation.bytes,
      ]
    )
  }

  func releaseReservations(of job: JobID) throws(CatalogError) {
    try change("DELETE FROM reservation WHERE job_id = :job", ["job": job.text])
  }

  func reduceReservation(
    of job: JobID,
    fileSystem: String,
    by bytes: Int64
  ) throws(CatalogError) {
    try change(
      """
      UPDATE reservation SET bytes = max(1, bytes - :bytes)
      WHERE job_id = :job AND file_system = :fileSystem
      """,
      ["bytes": bytes, "job": job.text, "fileSystem": fileSystem]
    )
  }
}
