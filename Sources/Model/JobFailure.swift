/// What made a job fail.
///
/// Stored and on the wire: append only.
package enum JobFailureCode: String, Sendable, Codable, CaseIterable {
  case backupDamaged = "backup_damaged"
  case hostStorageFull = "host_storage_full"
  case shutdownFailed = "shutdown_failed"
  case startFailedRolledBack = "start_failed_rolled_back"
  case hypervisorUnavailable = "hypervisor_unavailable"
  case scratchFull = "scratch_full"
  case jobCancelled = "job_cancelled"
  case workerLost = "worker_lost"
  /// The rules that held at acceptance hold no more; the detail says which.
  case vpsNotReady = "vps_not_ready"
  case invalidRequest = "invalid_request"
  case notFound = "not_found"
  case undoExpired = "undo_expired"
  case internalError = "internal_error"

  /// The same in the closed list of codes.
  package var errorCode: ErrorCode {
    switch self {
    case .backupDamaged: .backupDamaged
    case .hostStorageFull: .hostStorageFull
    case .shutdownFailed: .shutdownFailed
    case .startFailedRolledBack: .startFailedRolledBack
    case .hypervisorUnavailable: .hypervisorUnavailable
    case .scratchFull: .scratchFull
    case .jobCancelled: .jobCancelled
    case .workerLost: .workerLost
    case .vpsNotReady: .vpsNotReady
    case .invalidRequest: .invalidRequest
    case .notFound: .notFound
    case .undoExpired: .undoExpired
    case .internalError: .internalError
    }
  }
}

/// In which state a failed job left its VPS.
///
/// Stored and on the wire: append only.
package enum LeftState: String, Sendable, Codable {
  /// Nothing of it was touched.
  case untouched
  /// It has its former disk again and runs if it ran before.
  case rolledBack = "rolled_back"
  /// It has its former disk, but doesn't run although it did.
  case rolledBackNotRunning = "rolled_back_not_running"
  /// It has its new disk, whole, but doesn't run although it should.
  case newDiskNotRunning = "new_disk_not_running"
  /// It has its new disk and was started on it.
  case newDiskRunning = "new_disk_running"
  /// Its files aren't as the journal says: nothing more was touched, an operator must look. After a
  /// job that changes disks nothing is done with them until he has said that they are in order.
  case needsOperator = "needs_operator"
  /// Its disks were not touched, but it doesn't run although it should.
  case notRunning = "not_running"
}

/// A job's last word when it didn't end well.
package struct JobFailure: Error, Sendable, Equatable, Codable {
  /// What made it fail.
  package var code: JobFailureCode
  /// What happened, in sentences for people; free of secrets and host paths.
  package var detail: String
  /// In which state the VPS is now.
  package var left: LeftState
  /// Whether another try may help.
  package var isTransient: Bool

  /// Makes a failure.
  package init(
    code: JobFailureCode,
    detail: String,
    left: LeftState = .untouched,
    isTransient: Bool = false
  ) {
    self.code = code
    self.detail = detail
    self.left = left
    self.isTransient = isTransient
  }

  /// A short title for people.
  package var title: String { code.errorCode.title }
}
