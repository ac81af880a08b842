import Model

/// The 202 of every queued action.
struct AcceptedWire: Encodable {
  /// What the client follows.
  struct Operation: Encodable {
    let status: OperationStatus
    let jobId: String
    let pollUrl: String
  }

  let operation: Operation

  init(_ job: Job) {
    let accepted = Model.Operation(job)
    operation = Operation(
      status: accepted.status,
      jobId: accepted.jobID.text,
      pollUrl: accepted.pollURL
    )
  }
}
