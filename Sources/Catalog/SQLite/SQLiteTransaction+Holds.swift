import GRDB
import Model

extension SQLiteTransaction {
  func insertHold(backup: BackupID, job: JobID) throws(CatalogError) {
    try change(
      "INSERT INTO hold (backup_id, job_id) VALUES (:backup, :job)",
      ["backup": backup.text, "job": job.text]
    )
  }

  func releaseHolds(of job: JobID) throws(CatalogError) {
    try change("DELETE FROM hold WHERE job_id = :job", ["job": job.text])
  }

  func holders(of backup: BackupID) throws(CatalogError) -> [JobID] {
    try all(
      "SELECT job_id FROM hold WHERE backup_id = :backup ORDER BY job_id",
      ["backup": backup.text]
    ) { row throws(CatalogError) -> JobID in try row.identifier("job_id") }
  }
}
