/// Why a VPS isn't ready for an action, in the stable words of gates and problems.
///
/// On the wire: append only.
package enum NotReadyReason: String, Sendable, Codable, CaseIterable {
  case notActive = "not_active"
  case jobInFlight = "job_in_flight"
  case powerStateUnsettled = "power_state_unsettled"
  case savedState = "saved_state"
  case snapshots
  case backingChain = "backing_chain"
  case blockJob = "block_job"
  case foreignCheckpoints = "foreign_checkpoints"
  case sharedDisk = "shared_disk"
  case transientDomain = "transient_domain"
  case domainMissing = "domain_missing"
}

/// The particular fault of one field of a request.
///
/// On the wire: append only.
package enum FaultCode: String, Sendable, Codable, CaseIterable {
  case missingRequired = "missing_required"
  case invalidType = "invalid_type"
  case invalidValue = "invalid_value"
  case tooLong = "too_long"
  case unknownField = "unknown_field"
  case duplicateField = "duplicate_field"
  case sameVPS = "same_vps"
  case insufficientStorage = "insufficient_storage"
  case incompatibleFirmware = "incompatible_firmware"
  case incompatibleDisks = "incompatible_disks"
  case unsupportedTargetStorage = "unsupported_target_storage"
}

/// One fault of a request: where, what, and the sentence for people.
package struct Fault: Sendable, Equatable {
  /// A JSON pointer into the body, such as `/backupId`.
  package var pointer: String
  /// The stable word.
  package var code: FaultCode
  /// The sentence; made by `RefusalText`, or by the reader of the body.
  package var detail: String

  /// Makes a fault.
  package init(pointer: String, code: FaultCode, detail: String) {
    self.pointer = pointer
    self.code = code
    self.detail = detail
  }
}

/// Every way in which Rehome says no before it has done anything.
package enum Refusal: Error, Sendable, Equatable {
  case unauthorized
  case forbidden(required: [Scope])
  case notFound
  case invalidRequest([Fault])
  case invalidCursor
  case methodNotAllowed(allow: [String])
  case requestTimeout
  case payloadTooLarge(limitBytes: Int)
  case unsupportedMediaType
  case rateLimited(retryAfterSeconds: Int)
  case vpsNotReady(NotReadyReason, jobID: JobID?)
  case backupInUse
  case backupQuotaExceeded(used: Int, limit: Int)
  case idempotencyKeyReused
  case jobNotCancellable
  case undoExpired
  case serviceUnavailable(retryAfterSeconds: Int)
  case internalError

  /// The stable word of the closed list of codes.
  package var code: String {
    switch self {
    case .unauthorized: "unauthorized"
    case .forbidden: "forbidden"
    case .notFound: "not_found"
    case .invalidRequest: "invalid_request"
    case .invalidCursor: "invalid_cursor"
    case .methodNotAllowed: "method_not_allowed"
    case .requestTimeout: "request_timeout"
    case .payloadTooLarge: "payload_too_large"
    case .unsupportedMediaType: "unsupported_media_type"
    case .rateLimited: "rate_limit_exceeded"
    case .vpsNotReady: "vps_not_ready"
    case .backupInUse: "backup_in_use"
    case .backupQuotaExceeded: "backup_quota_exceeded"
    case .idempotencyKeyReused: "idempotency_key_reused"
    case .jobNotCancellable: "job_not_cancellable"
    case .undoExpired: "undo_expired"
    case .serviceUnavailable: "service_unavailable"
    case .internalError: "internal_error"
    }
  }
}
