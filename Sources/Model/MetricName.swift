/// Every figure that Rehome tells about itself: the one list that instruments, the exporter and the
/// guide to monitoring lean on.
///
/// Names and labels are append-only: dashboards and alerts of operators hold them.
package enum MetricName: String, Sendable, CaseIterable {
  case buildInfo = "rehome_build_info"
  case partReady = "rehome_part_ready"

  case httpRequests = "rehome_http_requests_total"
  case httpDuration = "rehome_http_request_duration_seconds"
  case httpInFlight = "rehome_http_requests_in_flight"
  case httpRateLimited = "rehome_http_rate_limited_total"
  case httpConnectionsRefused = "rehome_http_connections_refused_total"
  case eventStreams = "rehome_event_streams"

  case jobs = "rehome_jobs"
  case queueAge = "rehome_job_queue_age_seconds"
  case jobsNeedingOperator = "rehome_jobs_needing_operator"
  case jobAttempts = "rehome_job_attempts_total"
  case jobsEnded = "rehome_jobs_ended_total"
  case jobDuration = "rehome_job_duration_seconds"
  case jobBytes = "rehome_job_bytes_total"
  case stageBytes = "rehome_job_stage_bytes_total"
  case jobsRunning = "rehome_worker_jobs_running"
  case heartbeatAge = "rehome_worker_heartbeat_age_seconds"

  case chunksRead = "rehome_datastore_chunks_read_total"
  case chunksStored = "rehome_datastore_chunks_stored_total"
  case chunksBad = "rehome_datastore_chunks_bad_total"
  case storeReadBytes = "rehome_datastore_read_bytes_total"
  case storeWrittenBytes = "rehome_datastore_written_bytes_total"
  case garbageRuns = "rehome_datastore_garbage_collections_total"
  case garbageBytes = "rehome_datastore_garbage_bytes_total"
  case garbagePendingBytes = "rehome_datastore_garbage_pending_bytes"
  case storeFreeBytes = "rehome_datastore_free_bytes"
  case storeUsedBytes = "rehome_datastore_used_bytes"

  case catalogDuration = "rehome_catalog_transaction_duration_seconds"
  case catalogInFlight = "rehome_catalog_transactions_in_flight"
  case catalogFaults = "rehome_catalog_faults_total"
  case catalogFileBytes = "rehome_catalog_file_bytes"

  // These are what every Prometheus client calls them.
  case processCPU = "process_cpu_seconds_total"
  case processResident = "process_resident_memory_bytes"
  case processVirtual = "process_virtual_memory_bytes"
  case processOpenFiles = "process_open_fds"
  case processMostFiles = "process_max_fds"
  case processStart = "process_start_time_seconds"
}

/// How a figure moves.
package enum MetricKind: Sendable, Equatable {
  /// It only grows, from 0 at the start of the process.
  case counter
  /// It goes up and down.
  case gauge
  /// Counts of observations up to each of these bounds, in ascending order.
  case histogram(bounds: [Double])
}

extension MetricName {
  /// Seconds of an answer: from what the router alone takes to what nobody waits for any more.
  private static let answerSeconds = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]
  /// Seconds of a job: from a power action to a large disk on a slow one.
  private static let jobSeconds: [Double] = [
    1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 28_800,
  ]

  /// How it moves.
  package var kind: MetricKind {
    switch self {
    case .httpRequests, .httpRateLimited, .httpConnectionsRefused, .jobAttempts, .jobsEnded,
      .jobBytes, .stageBytes, .chunksRead, .chunksStored, .chunksBad, .storeReadBytes,
      .storeWrittenBytes, .garbageRuns, .garbageBytes, .catalogFaults, .processCPU:
      .counter
    case .httpDuration, .catalogDuration: .histogram(bounds: Self.answerSeconds)
    case .jobDuration: .histogram(bounds: Self.jobSeconds)
    case .buildInfo, .partReady, .httpInFlight, .eventStreams, .jobs, .queueAge,
      .jobsNeedingOperator, .jobsRunning, .heartbeatAge, .garbagePendingBytes, .storeFreeBytes,
      .storeUsedBytes, .catalogInFlight, .catalogFileBytes,
      .processResident, .processVirtual, .processOpenFiles, .processMostFiles, .processStart:
      .gauge
    }
  }

  /// The names of its labels, in the order in which they are written; each has few values.
  package var labels: [String] {
    switch self {
    case .buildInfo: ["version"]
    case .partReady: ["part"]
    case .httpRequests: ["route", "method", "status"]
    case .httpDuration: ["route", "method"]
    case .httpRateLimited: ["route"]
    case .jobs, .jobsEnded, .jobDuration: ["kind", "state"]
    case .jobAttempts: ["kind"]
    case .jobBytes: ["kind", "flow"]
    case .stageBytes: ["kind", "stage"]
    case .heartbeatAge: ["node"]
    case .chunksStored: ["outcome"]
    case .catalogDuration, .catalogInFlight: ["mode"]
    case .catalogFaults: ["fault"]
    case .catalogFileBytes: ["file"]
    case .httpInFlight, .httpConnectionsRefused, .eventStreams, .queueAge, .jobsNeedingOperator,
      .jobsRunning, .chunksRead, .chunksBad, .storeReadBytes, .storeWrittenBytes, .garbageRuns,
      .garbageBytes, .garbagePendingBytes, .storeFreeBytes, .storeUsedBytes, .processCPU,
      .processResident, .processVirtual, .processOpenFiles, .processMostFiles, .processStart:
      []
    }
  }

  /// What it tells, in one line.
  package var help: String {
    switch self {
    case .buildInfo: "Always 1; the label tells which version runs."
    case .partReady: "Whether a part is ready, as in /readyz."
    case .httpRequests: "Answered requests by route template, method and status."
    case .httpDuration: "Time from a request's head until its answer was made."
    case .httpInFlight: "Requests whose answer isn't made yet."
    case .httpRateLimited: "Requests that were refused because there were too many."
    case .httpConnectionsRefused: "Connections of an address that had as many as it may."
    case .eventStreams: "Open streams of job events."
    case .jobs: "Unfinished jobs in the catalog."
    case .queueAge: "How long the oldest queued job has waited; 0 when none waits."
    case .jobsNeedingOperator: "Jobs whose VPS gets nothing until an operator has looked at it."
    case .jobAttempts: "Jobs that this worker has taken up, each attempt counted."
    case .jobsEnded: "Jobs that this worker has ended."
    case .jobDuration: "Time from a job's first attempt to its end."
    case .jobBytes: "Bytes of completed jobs: read, written, or reused without writing."
    case .stageBytes: "Bytes that jobs have gone through, by stage, as they go."
    case .jobsRunning: "Jobs that this worker works on now."
    case .heartbeatAge: "How long ago a node's worker last showed itself."
    case .chunksRead: "Chunks read from the datastore and found good."
    case .chunksStored: "Chunks given to the datastore: new, reused, or nothing but zeros."
    case .chunksBad: "Chunks that were missing or held something else than their digest says."
    case .storeReadBytes: "Bytes of the chunks that were read, decoded."
    case .storeWrittenBytes: "Bytes of the chunk files that were written."
    case .garbageRuns: "Garbage collections that went to their end."
    case .garbageBytes: "Bytes of the files that garbage collections removed."
    case .garbagePendingBytes: "Bytes of unused chunks that were too young to go at the last one."
    case .storeFreeBytes: "Free bytes of the file system that the datastore is on."
    case .storeUsedBytes: "Used bytes of the file system that the datastore is on."
    case .catalogDuration: "Time of the catalog's transactions, with the wait for their turn."
    case .catalogInFlight: "Transactions that run or wait for their turn."
    case .catalogFaults: "Transactions that the catalog couldn't do."
    case .catalogFileBytes: "Size of the catalog's files."
    case .processCPU: "Processor time that the process has taken."
    case .processResident: "Resident memory of the process."
    case .processVirtual: "Virtual memory of the process."
    case .processOpenFiles: "Open file descriptors."
    case .processMostFiles: "How many file descriptors the process may have."
    case .processStart: "When the process started, in seconds since 1970."
    }
  }
}
