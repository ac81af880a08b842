/// The closed list of codes: every word by which an answer or a failed job says what went wrong.
///
/// On the wire: append only. What is particular to one request stands in a problem's `errors` or
/// `extensions`, never in a new code.
package enum ErrorCode: String, Sendable, CaseIterable {
  case invalidRequest = "invalid_request"
  case invalidCursor = "invalid_cursor"
  case unauthorized
  case forbidden
  case notFound = "not_found"
  case methodNotAllowed = "method_not_allowed"
  case requestTimeout = "request_timeout"
  case payloadTooLarge = "payload_too_large"
  case unsupportedMediaType = "unsupported_media_type"
  case rateLimitExceeded = "rate_limit_exceeded"
  case vpsNotReady = "vps_not_ready"
  case backupInUse = "backup_in_use"
  case backupQuotaExceeded = "backup_quota_exceeded"
  case idempotencyKeyReused = "idempotency_key_reused"
  case jobNotCancellable = "job_not_cancellable"
  case undoExpired = "undo_expired"
  case serviceUnavailable = "service_unavailable"
  case internalError = "internal_error"
  // In a failed job only.
  case backupDamaged = "backup_damaged"
  case hostStorageFull = "host_storage_full"
  case shutdownFailed = "shutdown_failed"
  case startFailedRolledBack = "start_failed_rolled_back"
  case hypervisorUnavailable = "hypervisor_unavailable"
  case scratchFull = "scratch_full"
  case jobCancelled = "job_cancelled"
  case workerLost = "worker_lost"

  /// The status of an answer with this code; nil: it stands in failed jobs only.
  ///
  /// One answer differs: headers that are too large are `invalid_request` with status 431.
  package var status: Int? {
    switch self {
    case .invalidRequest, .invalidCursor: 400
    case .unauthorized: 401
    case .forbidden: 403
    case .notFound: 404
    case .methodNotAllowed: 405
    case .requestTimeout: 408
    case .vpsNotReady, .backupInUse, .backupQuotaExceeded, .idempotencyKeyReused,
      .jobNotCancellable, .undoExpired:
      409
    case .payloadTooLarge: 413
    case .unsupportedMediaType: 415
    case .rateLimitExceeded: 429
    case .internalError: 500
    case .serviceUnavailable: 503
    case .backupDamaged, .hostStorageFull, .shutdownFailed, .startFailedRolledBack,
      .hypervisorUnavailable, .scratchFull, .jobCancelled, .workerLost:
      nil
    }
  }

  /// The short text that stands for the code; the seed's own words where it has them.
  package var title: String {
    switch self {
    case .invalidRequest: "Invalid request"
    case .invalidCursor: "Invalid cursor"
    case .unauthorized: "Unauthorized"
    case .forbidden: "Forbidden"
    case .notFound: "Not found"
    case .methodNotAllowed: "Method not allowed"
    case .requestTimeout: "Request timeout"
    case .payloadTooLarge: "Payload too large"
    case .unsupportedMediaType: "Unsupported media type"
    case .rateLimitExceeded: "Too many requests"
    case .vpsNotReady: "VPS not ready"
    case .backupInUse: "Backup in use"
    case .backupQuotaExceeded: "Backup quota exceeded"
    case .idempotencyKeyReused: "Idempotency key reused"
    case .jobNotCancellable: "Job not cancellable"
    case .undoExpired: "Undo expired"
    case .serviceUnavailable: "Service unavailable"
    case .internalError: "Internal server error"
    case .backupDamaged: "Backup damaged"
    case .hostStorageFull: "Host storage full"
    case .shutdownFailed: "Shutdown failed"
    case .startFailedRolledBack: "Start failed, rolled back"
    case .hypervisorUnavailable: "Hypervisor unavailable"
    case .scratchFull: "Scratch space full"
    case .jobCancelled: "Job cancelled"
    case .workerLost: "Worker lost"
    }
  }

  /// What it means, for people.
  package var meaning: String {
    switch self {
    case .invalidRequest:
      "The request can't be understood, or asks for something that can't be. The list errors of "
        + "the answer has one entry for each fault, with a pointer to its place in the body."
    case .invalidCursor: "The cursor is not one that this list gave out."
    case .unauthorized: "The request has no key, or one that is malformed, revoked or expired."
    case .forbidden:
      "The key is good, but lacks a scope; extensions.requiredScopes names what is needed."
    case .notFound: "There is no such thing, or it belongs to another client."
    case .methodNotAllowed: "The path is right, but doesn't answer this method."
    case .requestTimeout: "The request didn't arrive completely in the time that it may take."
    case .payloadTooLarge:
      "The body is larger than any that this API takes; extensions.limitBytes has the limit."
    case .unsupportedMediaType: "The body isn't declared as application/json."
    case .rateLimitExceeded: "The key, or the address of a caller without one, asked too often."
    case .vpsNotReady:
      "The VPS is in a state that doesn't allow the action; extensions.reason says which."
    case .backupInUse: "A running job reads the backup, so it can't be deleted now."
    case .backupQuotaExceeded: "The VPS has as many backups as it may have."
    case .idempotencyKeyReused: "The Idempotency-Key was sent before, with another request."
    case .jobNotCancellable: "The job has ended, or is past the point of its last return."
    case .undoExpired: "The disk from before the restore isn't kept any more."
    case .serviceUnavailable: "A part that the request needs is out of reach or overloaded."
    case .internalError: "Something happened that nobody expected; it was logged."
    case .backupDamaged: "A part of the backup is missing or isn't what was stored."
    case .hostStorageFull: "The host had too little free space for the job."
    case .shutdownFailed: "The VPS could be neither shut down nor powered off."
    case .startFailedRolledBack:
      "The VPS didn't start on the restored disk, so it has its former disk again."
    case .hypervisorUnavailable: "The hypervisor of the VPS was out of reach for too long."
    case .scratchFull:
      "The VPS wrote so much during its backup that the space for it came to an end."
    case .jobCancelled: "Somebody cancelled the job before it changed anything."
    case .workerLost: "The worker that did the job ended again and again before it was done."
    }
  }

  /// What to do about it, for people.
  package var remedy: String {
    switch self {
    case .invalidRequest: "Mend what errors names and send the request again."
    case .invalidCursor: "Read the list from its start, without a cursor."
    case .unauthorized: "Send a valid key as Authorization: Bearer KEY."
    case .forbidden: "Use a key that has the scope, or have one made."
    case .notFound: "Check the identifiers; take them from the API's own lists."
    case .methodNotAllowed: "Use a method that the header Allow names."
    case .requestTimeout: "Send the request again, without pauses."
    case .payloadTooLarge: "Send a smaller body."
    case .unsupportedMediaType: "Send JSON with the header Content-Type: application/json."
    case .rateLimitExceeded: "Wait as many seconds as the header Retry-After says."
    case .vpsNotReady:
      "Do what the detail says, or wait until the job that extensions.jobId names has ended."
    case .backupInUse: "Delete it when the job has ended."
    case .backupQuotaExceeded: "Delete a backup first, or have the quota raised."
    case .idempotencyKeyReused: "Use a new key for each request that isn't a repetition."
    case .jobNotCancellable: "Follow the job to its end; a completed restore can be undone."
    case .undoExpired: "Restore a backup instead."
    case .serviceUnavailable: "Send the request again after the seconds that Retry-After says."
    case .internalError: "Try again later; tell support the requestId if it happens again."
    case .backupDamaged: "Choose another backup; this one is marked as damaged."
    case .hostStorageFull: "Tell support; the host needs space before the job can succeed."
    case .shutdownFailed: "Look at the VPS, then start the job again."
    case .startFailedRolledBack: "Look at the detail, then try again or choose another backup."
    case .hypervisorUnavailable: "Start the job again later."
    case .scratchFull: "Make the backup at a quieter time."
    case .jobCancelled: "Start the job again if it is wanted after all."
    case .workerLost: "Start the job again; tell support if it happens again."
    }
  }
}
