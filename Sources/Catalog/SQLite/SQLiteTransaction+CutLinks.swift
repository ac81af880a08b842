import GRDB
import Model

extension SQLiteTransaction {
  func noteCutLinks(_ macs: [String], of vps: VPSID, by job: JobID) throws(CatalogError) {
    try change(
      "UPDATE cut_link SET job_id = :job WHERE vps_id = :vps",
      ["vps": vps.text, "job": job.text]
    )
    for mac in macs {
      try change(
        """
        INSERT INTO cut_link (vps_id, mac, job_id) VALUES (:vps, :mac, :job)
        ON CONFLICT (vps_id, mac) DO NOTHING
        """,
        ["vps": vps.text, "mac": mac, "job": job.text]
      )
    }
  }

  func cutLinks(of vps: VPSID) throws(CatalogError) -> [CutLink] {
    try all(
      "SELECT mac, job_id FROM cut_link WHERE vps_id = :vps ORDER BY mac",
      ["vps": vps.text]
    ) { row throws(CatalogError) in
      CutLink(mac: try row.text("mac"), jobID: try row.identifier("job_id"))
    }
  }

  func cutLinkJobs() throws(CatalogError) -> [JobID] {
    try all("SELECT DISTINCT job_id FROM cut_link ORDER BY job_id", [:]) {
      row throws(CatalogError) -> JobID in try row.identifier("job_id")
    }
  }

  func forget(_ link: CutLink, of vps: VPSID) throws(CatalogError) {
    try change(
      "DELETE FROM cut_link WHERE vps_id = :vps AND mac = :mac AND job_id = :job",
      ["vps": vps.text, "mac": link.mac, "job": link.jobID.text]
    )
  }
}
