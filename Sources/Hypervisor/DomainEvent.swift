/// Something that happened to a domain without our asking.
package struct DomainEvent: Sendable, Equatable {
  /// What happened.
  package enum Kind: Sendable, Equatable {
    case defined
    case undefined
    case started
    case paused
    case resumed
    case stopping
    case stopped
    case suspended
    case crashed
    /// A disk's read or write failed; `paused` says whether the guest was stopped for it.
    case diskError(device: String, paused: Bool)
    /// Events may have been missed (libvirt was away): look at everything again.
    case resynchronize
  }

  /// The domain; nil for ``Kind/resynchronize``.
  package let domain: DomainReference?
  /// What happened.
  package let kind: Kind

  /// Makes an event.
  package init(domain: DomainReference?, kind: Kind) {
    self.domain = domain
    self.kind = kind
  }
}
