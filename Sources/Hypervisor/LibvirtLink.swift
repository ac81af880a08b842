import Libvirt
import Logging
import Synchronization

/// The way to one libvirt daemon: opened when it is needed, opened anew when it was lost.
///
/// Everything here blocks, the end of a connection too: only the executor's threads may call it.
final class LibvirtLink: Sendable {
  private struct State {
    var connection: Connection?
    var wasConnected = false
  }

  private let uri: String
  private let logger: Logger
  private let hub: EventHub
  private let state = Mutex(State())

  init(uri: String, hub: EventHub, logger: Logger) {
    self.uri = uri
    self.hub = hub
    self.logger = logger
  }

  /// A connection that was alive a moment ago.
  func current() throws(HypervisorError) -> Connection {
    // One opens while the others wait for it: a daemon that hangs shall not get a crowd.
    try state.withLock { state throws(HypervisorError) in
      if let connection = state.connection, connection.isAlive { return connection }
      state.connection = nil
      let connection: Connection
      do throws(LibvirtError) {
        connection = try Connection(uri: uri)
        try observe(connection)
      } catch {
        throw .unavailable(error.message)
      }
      logger.info("connected to libvirt", metadata: ["uri": "\(uri)"])
      // What happened while nobody listened is lost; whoever keeps a picture must draw it anew.
      if state.wasConnected { hub.publish(DomainEvent(domain: nil, kind: .resynchronize)) }
      state.connection = connection
      state.wasConnected = true
      return connection
    }
  }

  /// Lets the connection go.
  func close() {
    state.withLock { $0.connection = nil }
  }

  private func observe(_ connection: Connection) throws(LibvirtError) {
    let hub = hub
    let logger = logger
    try connection.observeDomains { event in
      if let event = DomainEvent(event) { hub.publish(event) }
    }
    try connection.observeClosing {
      logger.warning("libvirt connection lost")
    }
  }
}

extension DomainEvent {
  init?(_ event: ConnectionEvent) {
    let kind: Kind
    switch event.kind {
    case .ioError(let device, let paused):
      kind = .diskError(device: device, paused: paused)
    case .lifecycle(let number, _):
      switch number {
      case LifecycleEvent.defined: kind = .defined
      case LifecycleEvent.undefined: kind = .undefined
      case LifecycleEvent.started: kind = .started
      case LifecycleEvent.suspended: kind = .paused
      case LifecycleEvent.resumed: kind = .resumed
      case LifecycleEvent.shutdown: kind = .stopping
      case LifecycleEvent.stopped: kind = .stopped
      case LifecycleEvent.suspendedByGuest: kind = .suspended
      case LifecycleEvent.crashed: kind = .crashed
      default: return nil
      }
    }
    self.init(domain: DomainReference(name: event.name, uuid: event.uuid), kind: kind)
  }
}
