/// A network card whose link was set down because its guest showed another VPS's address.
package struct CutLink: Sendable, Equatable {
  /// The card's hardware address, in lowercase.
  package let mac: String
  /// The restore or undo that brought the disk which showed the address.
  package let jobID: JobID

  /// Makes a cut link.
  package init(mac: String, jobID: JobID) {
    self.mac = mac
    self.jobID = jobID
  }
}
