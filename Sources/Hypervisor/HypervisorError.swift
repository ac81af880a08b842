/// Why a hypervisor could not do what it was asked.
package enum HypervisorError: Error, Equatable, Sendable {
  /// The host's libvirt cannot be reached now; the text is for people.
  case unavailable(String)
  /// There is no such domain (any more).
  case domainMissing(String)
  /// No answer came in time. What was asked for may still happen.
  case timedOut(operation: String)
  /// libvirt said no; the text is for people.
  case refused(operation: String, message: String)
  /// The guest has no agent, or it is not listening.
  case agentUnavailable
  /// XML that we got or made has not the form it must have.
  case invalidXML(String)

  /// What a client may be told, as the rest of a sentence: libvirt's own words name files of the host.
  package var publicReason: String {
    switch self {
    case .unavailable, .timedOut, .agentUnavailable: "the hypervisor did not answer"
    case .domainMissing: "the hypervisor has no such machine"
    case .refused(let operation, _): "the hypervisor refused to \(operation)"
    case .invalidXML: "the machine's definition can't be read"
    }
  }

  /// Whether the same call can succeed later with nothing changed by us.
  package var isTransient: Bool {
    switch self {
    case .unavailable, .timedOut, .agentUnavailable: true
    case .domainMissing, .refused, .invalidXML: false
    }
  }
}
