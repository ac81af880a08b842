import Catalog
import Hypervisor
import Jobs
import Model

/// Why a power action ended without succeeding.
enum PowerStop: Error {
  /// It failed.
  case failure(JobFailure)
  /// Its owner wanted it to end before it had any effect.
  case cancelled
  /// The lease is gone, or the catalog is: nothing more may be done.
  case interrupted(JobInterruption)

  static func because(
    _ code: JobFailureCode,
    _ detail: String,
    left: LeftState = .untouched,
    isTransient: Bool = false
  ) -> PowerStop {
    .failure(JobFailure(code: code, detail: detail, left: left, isTransient: isTransient))
  }

  init(_ error: HypervisorError) {
    switch error {
    case .unavailable, .timedOut, .agentUnavailable:
      self = .because(
        .hypervisorUnavailable,
        "The hypervisor did not answer.",
        isTransient: true
      )
    case .domainMissing:
      self = .because(.vpsNotReady, NotReadyReason.domainMissing.sentence)
    case .refused(let operation, _):
      self = .because(.internalError, "The hypervisor refused to \(operation).")
    case .invalidXML:
      self = .because(.internalError, "The machine's definition can't be read.")
    }
  }

  init(_ fault: CatalogFault) {
    switch fault {
    case .refused(.vpsNotReady(let reason, _)):
      self = .because(.vpsNotReady, reason.sentence)
    case .refused(let refusal):
      self = .because(.notFound, refusal.detail)
    case .failed(let error):
      self = .interrupted(.catalog(error))
    }
  }
}
