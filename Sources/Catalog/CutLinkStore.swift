package import Model

/// The network cards whose links were set down, until they are set up for another disk.
package protocol CutLinkStore {
  /// Notes the cards of a VPS whose links are set down for a job's disk; what was noted before is
  /// this job's from now on.
  func noteCutLinks(_ macs: [String], of vps: VPSID, by job: JobID) throws(CatalogError)
  /// The cards of a VPS whose links were set down, in order.
  func cutLinks(of vps: VPSID) throws(CatalogError) -> [CutLink]
  /// The jobs for whose disks any links are down, of all VPSs.
  func cutLinkJobs() throws(CatalogError) -> [JobID]
  /// Forgets one that is up again, unless it was cut for another job meanwhile.
  func forget(_ link: CutLink, of vps: VPSID) throws(CatalogError)
}
