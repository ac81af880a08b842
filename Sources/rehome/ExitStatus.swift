import Hypervisor
import Model

/// What a command's exit code says; stable, because scripts lean on it.
enum ExitStatus: Int32, CaseIterable, Sendable {
  /// Everything was done.
  case ok = 0
  /// The job or the task on the datastore that was followed failed or was cancelled.
  case jobFailed = 1
  /// The command line, a file named on it or the configuration is wrong.
  case usage = 2
  /// A rule said no; nothing was changed.
  case refused = 3
  /// Something that was named isn't there.
  case notFound = 4
  /// No worker, or libvirt, the catalog or another part is out of reach.
  case unreachable = 5
}

extension CommandFailure {
  /// The one mapping from what went wrong to the exit code.
  var exitStatus: ExitStatus {
    switch self {
    case .jobFailed, .storeTaskFailed: .jobFailed
    case .usage, .settings, .file: .usage
    case .refused(let refusal): refusal.exitStatus
    case .seedNotAdopted, .seedNotUsable, .unsafePlace: .refused
    case .missing: .notFound
    case .hypervisor(.domainMissing): .notFound
    case .hypervisor(.refused), .hypervisor(.invalidXML): .refused
    case .hypervisor(.unavailable), .hypervisor(.timedOut), .hypervisor(.agentUnavailable):
      .unreachable
    case .noWorker, .catalog, .datastore, .place, .notReady, .stopped: .unreachable
    }
  }
}

extension Refusal {
  fileprivate var exitStatus: ExitStatus {
    switch self {
    case .notFound:
      .notFound
    case .serviceUnavailable, .internalError, .requestTimeout:
      .unreachable
    case .unauthorized, .forbidden, .invalidRequest, .unreadable, .invalidCursor, .methodNotAllowed,
      .payloadTooLarge, .unsupportedMediaType, .rateLimited, .vpsNotReady, .backupInUse,
      .backupQuotaExceeded, .idempotencyKeyReused, .jobNotCancellable, .undoExpired:
      .refused
    }
  }
}
