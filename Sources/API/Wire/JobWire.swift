import Model

/// The answer of the poll: the operation of the v2 clients and the older wrapper, from the same
/// values.
struct JobWire: Encodable {
  let operation: JobOperationWire
  let success: Bool
  let timestamp: String
  let requestId: String
  let data: JobDataWire

  init(_ job: Job, requestID: RequestID, now: Timestamp, typeBase: String) {
    operation = JobOperationWire(job, typeBase: typeBase)
    success = true
    timestamp = now.text
    requestId = requestID.text
    data = JobDataWire(job)
  }
}

/// The operation in full.
struct JobOperationWire: Encodable {
  /// How far it has come.
  struct Progress: Encodable {
    let percent: Int
    let step: String
    let bytesDone: Int64
    let bytesTotal: Int64
    let bytesPerSecond: Int64
    let message: String

    init(_ progress: JobProgress) {
      percent = progress.percent
      step = progress.step
      bytesDone = progress.bytesDone
      bytesTotal = progress.bytesTotal
      bytesPerSecond = progress.bytesPerSecond
      message = progress.message
    }
  }

  let status: OperationStatus
  let jobId: String
  let pollUrl: String
  /// Left out until the job has ended; null when it ended without one.
  let result: NullWhenNil<JobResultWire>?
  let error: JobErrorWire?
  let progress: Progress
  let createdAt: String
  @NullWhenNil var startedAt: String?
  @NullWhenNil var finishedAt: String?

  init(_ job: Job, typeBase: String) {
    let accepted = Operation(job)
    status = accepted.status
    jobId = accepted.jobID.text
    pollUrl = accepted.pollURL
    result =
      job.state.isFinal ? NullWhenNil(wrappedValue: job.result.map(JobResultWire.init)) : nil
    // What a waiting job's last attempt met isn't its last word.
    error =
      accepted.status == .failed ? job.failure.map { JobErrorWire($0, typeBase: typeBase) } : nil
    progress = Progress(job.progress)
    createdAt = job.createdAt.text
    startedAt = job.startedAt?.text
    finishedAt = job.finishedAt?.text
  }
}

/// A failed job's last word: a problem that also says in which state it left the VPS.
struct JobErrorWire: Encodable {
  /// What a problem has no field of its own for.
  struct Extensions: Encodable {
    let left: LeftState
  }

  let type: String
  let title: String
  let detail: String
  let code: JobFailureCode
  let extensions: Extensions

  init(_ failure: JobFailure, typeBase: String) {
    type = typeBase + failure.code.rawValue
    title = failure.title
    detail = failure.detail
    code = failure.code
    extensions = Extensions(left: failure.left)
  }
}

/// The older wrapper's view of a job.
struct JobDataWire: Encodable {
  /// How far it has come, counted in bytes of the current step.
  struct Details: Encodable {
    let percentage: Int
    let message: String
    let current: Int64
    let total: Int64
  }

  let jobId: String
  let type: JobKind
  let state: JobState
  let status: OperationStatus
  let progress: Int
  let progressDetails: Details
  let progressMessage: String
  @NullWhenNil var result: JobResultWire?
  let isCompleted: Bool
  let isFailed: Bool
  let isRunning: Bool
  let isWaiting: Bool
  let createdAt: String
  @NullWhenNil var finishedAt: String?
  let jobName: String
  let vmId: String

  init(_ job: Job) {
    jobId = job.id.text
    type = job.task.kind
    state = job.state
    status = OperationStatus(job.state)
    progress = job.progress.percent
    progressDetails = Details(
      percentage: job.progress.percent,
      message: job.progress.message,
      current: job.progress.bytesDone,
      total: job.progress.bytesTotal
    )
    progressMessage = job.progress.message
    result = job.result.map(JobResultWire.init)
    isCompleted = status == .completed
    isFailed = status == .failed
    isRunning = status == .inProgress
    isWaiting = status == .queued || status == .pending
    createdAt = job.createdAt.text
    finishedAt = job.finishedAt?.text
    jobName = Self.name(of: job)
    vmId = job.vpsID.text
  }

  private static func name(of job: Job) -> String {
    switch job.task {
    case .backup: "Create VPS backup"
    case .restore(let task) where task.sourceVPSID == job.vpsID: "Restore VPS backup"
    case .restore: "Restore backup from another VPS"
    case .undo: "Undo restore"
    case .power(let task):
      switch task.action {
      case .start: "Start VPS"
      case .shutdown: "Shut down VPS"
      case .stop: "Stop VPS"
      case .restart: "Restart VPS"
      case .reset: "Reset VPS"
      }
    }
  }
}
