/// What a domain is doing.
///
/// The texts are stored: append only.
package enum DomainState: String, Sendable, Codable, CaseIterable {
  case running
  case stopped
  case starting
  case stopping
  /// Paused by somebody.
  case paused
  /// Paused by QEMU because a disk failed; the guest goes on when it is resumed.
  case pausedOnError = "paused-on-error"
  case crashed
  /// Suspended to memory by the guest itself.
  case suspended
  case unknown

  /// Whether a QEMU process exists for it, as far as the state tells.
  package var isActive: Bool {
    switch self {
    case .running, .starting, .stopping, .paused, .pausedOnError, .suspended: true
    case .stopped, .crashed, .unknown: false
    }
  }
}
