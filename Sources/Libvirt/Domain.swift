import CLibvirt

/// A handle to one domain of one connection.
@safe
package final class Domain: Sendable {
  // As for connections: counted and locked by libvirt itself, and never changed here.
  nonisolated(unsafe) let pointer: OpaquePointer

  /// Takes over one reference that libvirt returned.
  init(owning pointer: OpaquePointer) {
    unsafe self.pointer = unsafe pointer
  }

  deinit {
    unsafe virDomainFree(pointer)
  }

  /// The domain's name.
  package var name: String {
    unsafe virDomainGetName(pointer).map { unsafe String(cString: $0) } ?? ""
  }

  /// The domain's UUID in text form.
  package var uuid: String {
    unsafe Domain.uuid(of: pointer) ?? ""
  }

  /// What the domain is doing, and why.
  package func state() throws(LibvirtError) -> (state: State, reason: Int32) {
    var state: CInt = 0
    var reason: CInt = 0
    try unsafe LibvirtError.check(
      virDomainGetState(pointer, &state, &reason, 0),
      "virDomainGetState"
    )
    return (State(rawValue: state), reason)
  }

  /// Whether the domain runs in any way, paused included.
  package func isActive() throws(LibvirtError) -> Bool {
    try unsafe LibvirtError.check(virDomainIsActive(pointer), "virDomainIsActive") == 1
  }

  /// Whether the domain is defined, and so outlives its own end.
  package func isPersistent() throws(LibvirtError) -> Bool {
    try unsafe LibvirtError.check(virDomainIsPersistent(pointer), "virDomainIsPersistent") == 1
  }

  /// The domain's XML.
  package func xml(_ options: XMLOptions) throws(LibvirtError) -> String {
    try unsafe LibvirtError.check(
      virDomainGetXMLDesc(pointer, options.rawValue),
      "virDomainGetXMLDesc"
    )
  }

  /// Whether the domain starts with the host.
  package func autostart() throws(LibvirtError) -> Bool {
    var value: CInt = 0
    try unsafe LibvirtError.check(virDomainGetAutostart(pointer, &value), "virDomainGetAutostart")
    return value == 1
  }

  /// Sets whether the domain starts with the host.
  package func setAutostart(_ value: Bool) throws(LibvirtError) {
    try unsafe LibvirtError.check(
      virDomainSetAutostart(pointer, value ? 1 : 0),
      "virDomainSetAutostart"
    )
  }

  static func uuid(of pointer: OpaquePointer) -> String? {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(VIR_UUID_STRING_BUFLEN)) {
      buffer in
      guard let base = buffer.baseAddress,
        unsafe virDomainGetUUIDString(pointer, base) == 0
      else { return nil }
      return unsafe String(cString: base)
    }
  }
}

extension Domain {
  /// What a domain is doing, an open set.
  package struct State: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int32

    /// Makes a state of the number that libvirt uses for it.
    package init(rawValue: Int32) {
      self.rawValue = rawValue
    }

    private init(_ state: virDomainState) {
      rawValue = Int32(bitPattern: state.rawValue)
    }

    package static let none = State(VIR_DOMAIN_NOSTATE)
    package static let running = State(VIR_DOMAIN_RUNNING)
    package static let blocked = State(VIR_DOMAIN_BLOCKED)
    package static let paused = State(VIR_DOMAIN_PAUSED)
    package static let shuttingDown = State(VIR_DOMAIN_SHUTDOWN)
    package static let shutOff = State(VIR_DOMAIN_SHUTOFF)
    package static let crashed = State(VIR_DOMAIN_CRASHED)
    package static let suspendedByGuest = State(VIR_DOMAIN_PMSUSPENDED)
  }

  /// The reasons of the state `paused` that have a meaning here.
  package enum PauseReason {
    package static let ioError = Int32(bitPattern: VIR_DOMAIN_PAUSED_IOERROR.rawValue)
    package static let startingUp = Int32(bitPattern: VIR_DOMAIN_PAUSED_STARTING_UP.rawValue)
  }

  /// Which XML is wanted.
  package struct XMLOptions: OptionSet, Sendable {
    package let rawValue: UInt32

    /// Makes a set of libvirt's own bits.
    package init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    private init(_ flag: virDomainXMLFlags) {
      rawValue = flag.rawValue
    }

    /// Passwords too; what is defined anew must have them.
    package static let secure = XMLOptions(VIR_DOMAIN_XML_SECURE)
    /// The definition for the next start, not what runs now.
    package static let inactive = XMLOptions(VIR_DOMAIN_XML_INACTIVE)
  }

  /// What a change to a domain reaches.
  package struct Affects: OptionSet, Sendable {
    package let rawValue: UInt32

    /// Makes a set of libvirt's own bits.
    package init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    private init(_ flag: virDomainModificationImpact) {
      rawValue = flag.rawValue
    }

    /// The running guest.
    package static let live = Affects(VIR_DOMAIN_AFFECT_LIVE)
    /// The definition, from the next start on.
    package static let config = Affects(VIR_DOMAIN_AFFECT_CONFIG)
  }
}
