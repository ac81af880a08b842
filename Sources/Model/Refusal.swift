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
  case needsOperator = "needs_operator"
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
  /// What arrived isn't a request at all.
  case unreadable(MessageFlaw)
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

  /// Its code of the closed list.
  package var errorCode: ErrorCode {
    switch self {
    case .unauthorized: .unauthorized
    case .forbidden: .forbidden
    case .notFound: .notFound
    case .invalidRequest, .unreadable: .invalidRequest
    case .invalidCursor: .invalidCursor
    case .methodNotAllowed: .methodNotAllowed
    case .requestTimeout: .requestTimeout
    case .payloadTooLarge: .payloadTooLarge
    case .unsupportedMediaType: .unsupportedMediaType
    case .rateLimited: .rateLimitExceeded
    case .vpsNotReady: .vpsNotReady
    case .backupInUse: .backupInUse
    case .backupQuotaExceeded: .backupQuotaExceeded
    case .idempotencyKeyReused: .idempotencyKeyReused
    case .jobNotCancellable: .jobNotCancellable
    case .undoExpired: .undoExpired
    case .serviceUnavailable: .serviceUnavailable
    case .internalError: .internalError
    }
  }

  /// The stable word of the closed list of codes.
  package var code: String { errorCode.rawValue }

  /// The short text that stands for the code.
  package var title: String { errorCode.title }

  /// The faults that an answer tells one by one.
  package var faults: [Fault]? {
    switch self {
    case .invalidRequest(let faults): faults
    case .unreadable(let flaw): flaw.fault.map { [$0] }
    default: nil
    }
  }
}
