/// Where an operation stands, in the words of the API.
///
/// On the wire: append only.
package enum OperationStatus: String, Sendable, Codable {
  case pending, queued
  case inProgress = "in_progress"
  case completed, failed

  /// The one mapping from what is stored to what is shown.
  package init(_ state: JobState) {
    self =
      switch state {
      case .queued: .queued
      case .waiting: .pending
      case .running: .inProgress
      case .completed: .completed
      case .failed, .cancelled: .failed
      }
  }
}

/// What a client sees of a job it has just started.
package struct Operation: Sendable, Equatable {
  /// Where it stands.
  package var status: OperationStatus
  /// The job to follow.
  package var jobID: JobID

  /// Makes an operation of a job.
  package init(_ job: Job) {
    status = OperationStatus(job.state)
    jobID = job.id
  }

  /// Where the job is polled, relative to the host.
  package var pollURL: String { "/api/jobs/\(jobID)" }
}
