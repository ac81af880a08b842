/// Host space that one file system owes to a job.
package struct SpaceReservation: Sendable, Equatable {
  /// The job.
  package var jobID: JobID
  /// The host.
  package var node: String
  /// The file system, as its host names it.
  package var fileSystem: String
  /// How much of it.
  package var bytes: Int64

  /// Makes a reservation.
  package init(jobID: JobID, node: String, fileSystem: String, bytes: Int64) {
    self.jobID = jobID
    self.node = node
    self.fileSystem = fileSystem
    self.bytes = bytes
  }
}
