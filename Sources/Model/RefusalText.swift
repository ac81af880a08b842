extension Refusal {
  /// The sentence for people; the seed's own words where it has them.
  package var detail: String {
    switch self {
    case .unauthorized: "Authentication is required."
    case .forbidden: "The caller lacks a required scope or does not own the resource."
    case .notFound: "The requested resource could not be found."
    case .invalidRequest, .unreadable: "The request body failed validation."
    case .invalidCursor: "The cursor is not one that this list gave out. Start without a cursor."
    case .methodNotAllowed(let allow):
      "This path does not answer that method. It answers \(allow.joined(separator: ", "))."
    case .requestTimeout: "The request did not arrive in time."
    case .payloadTooLarge(let limit): "The request body is larger than \(limit) bytes."
    case .unsupportedMediaType: "The request body must be sent as application/json."
    case .rateLimited: "Too many requests. Retry after the limit resets."
    case .vpsNotReady(let reason, _): reason.sentence
    case .backupInUse: "A job needs this backup. Delete it when that job is done with it."
    case .backupQuotaExceeded(let used, let limit):
      "The VPS has \(used) of \(limit) backups. Delete one first."
    case .idempotencyKeyReused:
      "This Idempotency-Key was used for another request. Use a new key."
    case .jobNotCancellable: "The job is past the point at which it can be cancelled."
    case .undoExpired: "The former disk is no longer kept, so the restore can't be taken back."
    case .serviceUnavailable: "A part that this needs is out of reach. Retry later."
    case .internalError:
      "An unexpected error occurred. Retry later or contact support if the issue persists."
    }
  }
}

extension NotReadyReason {
  /// The sentence for people.
  package var sentence: String {
    switch self {
    case .notActive: "The service is not active."
    case .jobInFlight: "Another job of this VPS is in flight. Wait until it has ended."
    case .powerStateUnsettled:
      "The power state of the VPS does not allow this: see `powerState`, and wait if it is changing."
    case .savedState: "The VPS has a saved memory image. Start it or discard the image first."
    case .snapshots: "The VPS has hypervisor snapshots. Delete them first."
    case .backingChain: "A disk of the VPS stands on a backing file. Flatten it first."
    case .blockJob: "The hypervisor is busy with a backup, migration or block job of this VPS."
    case .foreignCheckpoints: "The VPS has checkpoints of another backup program."
    case .sharedDisk: "A disk of the VPS is shared with another machine."
    case .transientDomain:
      "The VPS has no persistent definition, or its running one differs from it."
    case .domainMissing: "The hypervisor has no machine for this VPS."
    case .needsOperator:
      "A job left the disks of the VPS so that an operator must look at them first."
    }
  }
}

extension Mismatch {
  /// The fault as a request's answer tells it.
  package var fault: Fault {
    Fault(pointer: "/backupId", code: code, detail: detail)
  }

  private var code: FaultCode {
    switch self {
    case .diskTooSmall, .hostSpace: .insufficientStorage
    case .firmware: .incompatibleFirmware
    case .diskCount, .bus, .blockSize, .tpm, .unknownSize: .incompatibleDisks
    case .unsupportedStorage: .unsupportedTargetStorage
    }
  }

  private var detail: String {
    switch self {
    case .diskCount(let backup, let target):
      "The backup has \(backup) disks, the target has \(target)."
    case .diskTooSmall(let device, let backup, let target):
      "The backup's disk needs \(backup) bytes, the target's disk \(device) has \(target) bytes."
    case .hostSpace(let needed, let free):
      "Staging the backup needs \(needed) bytes on the target's host, where \(free) bytes can be had."
    case .firmware(let backup, let target):
      "The backup boots with \(backup.rawValue), the target with \(target.rawValue)."
    case .bus(let device, let backup, let target):
      "The backup's disk was on \(backup), the target's disk \(device) is on \(target)."
    case .blockSize(let device, let backup, let target):
      "The backup's disk has blocks of \(backup) bytes, the target's disk \(device) of \(target)."
    case .tpm(let backup, _):
      backup
        ? "The backup's machine has a TPM, the target has none."
        : "The target has a TPM, the backup's machine has none."
    case .unsupportedStorage(let device):
      "The target's disk \(device) stands on storage that the staged strategy can't exchange."
    case .unknownSize(let device): "The size of the target's disk \(device) isn't known yet."
    }
  }
}
