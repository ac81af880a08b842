import CLibvirt
import Synchronization

/// What libvirt reports about a domain without being asked.
package struct ConnectionEvent: Sendable {
  /// What happened.
  package enum Kind: Sendable {
    /// The domain's life went on: the numbers are `virDomainEventType` and its detail.
    case lifecycle(event: Int32, detail: Int32)
    /// A disk's read or write failed; `paused` says whether QEMU stopped the guest for it.
    case ioError(device: String, paused: Bool)
  }

  /// The domain's name.
  package let name: String
  /// The domain's UUID in text form.
  package let uuid: String
  /// What happened.
  package let kind: Kind
}

/// The numbers of `virDomainEventType` that have a meaning here.
package enum LifecycleEvent {
  package static let defined = Int32(bitPattern: VIR_DOMAIN_EVENT_DEFINED.rawValue)
  package static let undefined = Int32(bitPattern: VIR_DOMAIN_EVENT_UNDEFINED.rawValue)
  package static let started = Int32(bitPattern: VIR_DOMAIN_EVENT_STARTED.rawValue)
  package static let suspended = Int32(bitPattern: VIR_DOMAIN_EVENT_SUSPENDED.rawValue)
  package static let resumed = Int32(bitPattern: VIR_DOMAIN_EVENT_RESUMED.rawValue)
  package static let stopped = Int32(bitPattern: VIR_DOMAIN_EVENT_STOPPED.rawValue)
  package static let shutdown = Int32(bitPattern: VIR_DOMAIN_EVENT_SHUTDOWN.rawValue)
  package static let suspendedByGuest = Int32(bitPattern: VIR_DOMAIN_EVENT_PMSUSPENDED.rawValue)
  package static let crashed = Int32(bitPattern: VIR_DOMAIN_EVENT_CRASHED.rawValue)
}

/// What a connection must take back before it can close.
struct Registrations: Sendable {
  var eventCallbacks: [CInt] = []
  var observesClosing = false
}

extension Connection {
  /// Calls `handler` for every domain's events, on the event loop's thread, until the connection
  /// goes.
  ///
  /// The handler must not block, must not call libvirt (the loop that carries the answer would be
  /// waiting for it) and must not hold the connection, which would keep itself alive.
  package func observeDomains(
    _ handler: @escaping @Sendable (ConnectionEvent) -> Void
  ) throws(LibvirtError) {
    try unsafe register(handler) { opaque in
      unsafe clibvirt_register_lifecycle(
        pointer,
        { _, domain, event, detail, opaque in
          unsafe HandlerBox.deliver(
            domain,
            .lifecycle(event: event, detail: detail),
            to: opaque
          )
          return 0
        },
        opaque,
        { unsafe HandlerBox.release($0) }
      )
    }
    try unsafe register(handler) { opaque in
      unsafe clibvirt_register_io_error(
        pointer,
        { _, domain, _, alias, action, opaque in
          let device = unsafe alias.map { unsafe String(cString: $0) } ?? ""
          let paused = action == CInt(bitPattern: VIR_DOMAIN_EVENT_IO_ERROR_PAUSE.rawValue)
          unsafe HandlerBox.deliver(
            domain,
            .ioError(device: device, paused: paused),
            to: opaque
          )
        },
        opaque,
        { unsafe HandlerBox.release($0) }
      )
    }
  }

  /// Calls `handler` once, on the event loop's thread, when the daemon or the way to it is gone.
  ///
  /// For the handler the same holds as for that of ``observeDomains(_:)``.
  package func observeClosing(
    _ handler: @escaping @Sendable () -> Void
  ) throws(LibvirtError) {
    let box = unsafe Unmanaged.passRetained(ClosingBox(handler))
    let result = unsafe virConnectRegisterCloseCallback(
      pointer,
      closingCallback,
      box.toOpaque(),
      closingRelease
    )
    guard result >= 0 else {
      unsafe box.release()
      throw LibvirtError.last("virConnectRegisterCloseCallback")
    }
    registrations.withLock { $0.observesClosing = true }
  }

  /// Takes every callback back, so that libvirt lets the connection go.
  func removeCallbacks() {
    let registered = registrations.withLock { registrations in
      defer { registrations = Registrations() }
      return registrations
    }
    // A failure means that the daemon is gone already, and the callbacks with it.
    for identifier in registered.eventCallbacks {
      unsafe virConnectDomainEventDeregisterAny(pointer, identifier)
    }
    if registered.observesClosing {
      unsafe virConnectUnregisterCloseCallback(pointer, closingCallback)
    }
  }

  private func register(
    _ handler: @escaping @Sendable (ConnectionEvent) -> Void,
    with function: (UnsafeMutableRawPointer) -> CInt
  ) throws(LibvirtError) {
    let box = unsafe Unmanaged.passRetained(HandlerBox(handler))
    let identifier = unsafe function(box.toOpaque())
    guard identifier >= 0 else {
      unsafe box.release()
      throw LibvirtError.last("virConnectDomainEventRegisterAny")
    }
    registrations.withLock { $0.eventCallbacks.append(identifier) }
  }
}

private let closingCallback: virConnectCloseFunc = { _, _, opaque in
  guard let opaque = unsafe opaque else { return }
  unsafe Unmanaged<ClosingBox>.fromOpaque(opaque).takeUnretainedValue().handler()
}

private let closingRelease: virFreeCallback = { opaque in
  guard let opaque = unsafe opaque else { return }
  unsafe Unmanaged<ClosingBox>.fromOpaque(opaque).release()
}

/// Carries a Swift closure through C.
private final class HandlerBox: Sendable {
  let handler: @Sendable (ConnectionEvent) -> Void

  init(_ handler: @escaping @Sendable (ConnectionEvent) -> Void) {
    self.handler = handler
  }

  static func deliver(
    _ domain: OpaquePointer?,
    _ kind: ConnectionEvent.Kind,
    to opaque: UnsafeMutableRawPointer?
  ) {
    guard let opaque = unsafe opaque, let domain = unsafe domain else { return }
    // The domain belongs to the caller of the callback: look, don't keep.
    guard let name = unsafe virDomainGetName(domain) else { return }
    guard let uuid = unsafe Domain.uuid(of: domain) else { return }
    let event = unsafe ConnectionEvent(name: String(cString: name), uuid: uuid, kind: kind)
    unsafe Unmanaged<HandlerBox>.fromOpaque(opaque).takeUnretainedValue().handler(event)
  }

  static func release(_ opaque: UnsafeMutableRawPointer?) {
    guard let opaque = unsafe opaque else { return }
    unsafe Unmanaged<HandlerBox>.fromOpaque(opaque).release()
  }
}

private final class ClosingBox: Sendable {
  let handler: @Sendable () -> Void

  init(_ handler: @escaping @Sendable () -> Void) {
    self.handler = handler
  }
}
