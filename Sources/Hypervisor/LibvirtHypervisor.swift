import Libvirt
package import Logging

/// A hypervisor host behind libvirt.
///
/// It needs no libvirt to be made: the connection is opened by the first call, and anew by the
/// first call after it was lost.
package final class LibvirtHypervisor: Hypervisor {
  private let executor: DeadlineExecutor
  private let hub: EventHub
  private let link: LibvirtLink
  private let logger: Logger
  let definitionFiles = DefinitionFiles()
  let usageCalls = UsageCalls()

  /// Makes a hypervisor that is reached at a URI, for example `qemu:///system`, by at most `width` calls
  /// at a time: one that a machine keeps from returning holds its place until it does.
  package init(uri: String, logger: Logger, width: Int? = nil) {
    executor = DeadlineExecutor(label: "rehome.libvirt", width: width ?? CallLimits.width)
    hub = EventHub()
    self.logger = logger
    link = LibvirtLink(uri: uri, hub: hub, logger: logger)
  }

  deinit {
    // Closing talks to the daemon, and whoever drops us may be on the cooperative pool.
    let link = link
    executor.enqueue { link.close() }
  }

  package func events() -> AsyncStream<DomainEvent> {
    let stream = hub.stream()
    // Without a connection nothing would come. If there can't be one, the next call says so.
    let link = link
    executor.enqueue { _ = try? link.current() }
    return stream
  }

  @discardableResult
  package func waitUntil(
    _ reference: DomainReference,
    is states: Set<DomainState>,
    within limit: Duration
  ) async throws(HypervisorError) -> DomainState {
    let deadline = ContinuousClock.now + limit
    var problem: HypervisorError?
    while true {
      // Listening starts before the look, so that nothing can happen between the two.
      let events = hub.stream()
      let left = min(max(CallLimits.lastLook, deadline - .now), CallLimits.ordinary)
      do throws(HypervisorError) {
        let state = try await state(of: reference, within: left)
        if states.contains(state) { return state }
        problem = nil
      } catch {
        switch error {
        case .timedOut: problem = nil
        case .unavailable, .agentUnavailable: problem = error
        case .domainMissing, .refused, .invalidXML: throw error
        }
      }
      let remaining = deadline - .now
      guard remaining > .zero, !Task.isCancelled else {
        throw problem ?? .timedOut(operation: "wait")
      }
      await pause(min(remaining, CallLimits.pollInterval), orUntilOneOf: events, tellsOf: reference)
    }
  }

  /// Runs one or several calls of libvirt on a connection.
  func call<Value: Sendable>(
    _ operation: String,
    on reference: DomainReference? = nil,
    within limit: Duration = CallLimits.ordinary,
    _ body: @escaping @Sendable (Connection) throws(LibvirtError) -> Value
  ) async throws(HypervisorError) -> Value {
    let (link, logger) = (link, logger)
    return try await executor.run(operation, within: limit) { () throws(HypervisorError) -> Value in
      let connection = try link.current()
      do throws(LibvirtError) {
        return try body(connection)
      } catch {
        guard connection.isAlive, !error.isOfTransport else { throw .unavailable(error.message) }
        let refusal = HypervisorError(error, operation: operation, reference: reference)
        // Only here: clients are told less.
        if case .refused(_, let message) = refusal {
          logger.info(
            "libvirt refused",
            metadata: [
              "operation": "\(operation)", "domain": "\(reference?.name ?? "")",
              "error": "\(message)",
            ]
          )
        }
        throw refusal
      }
    }
  }

  /// Runs one or several calls of libvirt on a domain.
  func call<Value: Sendable>(
    _ operation: String,
    domain reference: DomainReference,
    within limit: Duration = CallLimits.ordinary,
    _ body: @escaping @Sendable (Domain) throws(LibvirtError) -> Value
  ) async throws(HypervisorError) -> Value {
    try await call(operation, on: reference, within: limit) {
      connection throws(LibvirtError) in
      try body(try connection.domain(reference))
    }
  }

  private func pause(
    _ length: Duration,
    orUntilOneOf events: AsyncStream<DomainEvent>,
    tellsOf reference: DomainReference
  ) async {
    await withTaskGroup { group in
      group.addTask {
        for await event in events {
          guard let domain = event.domain else { return }
          if domain.uuid == reference.uuid || domain.name == reference.name { return }
        }
      }
      // Cancelled only when the other was faster or the caller is no longer interested.
      group.addTask { try? await Task.sleep(for: length) }
      await group.next()
      group.cancelAll()
    }
  }
}

extension Connection {
  func domain(_ reference: DomainReference) throws(LibvirtError) -> Domain {
    if let uuid = reference.uuid { return try domain(uuid: uuid) }
    return try domain(named: reference.name)
  }
}

extension HypervisorError {
  /// What a refusal of libvirt means, the connection being sound.
  init(_ error: LibvirtError, operation: String, reference: DomainReference?) {
    switch error.code {
    case .noDomain: self = .domainMissing(reference?.name ?? "")
    case .operationTimeout: self = .timedOut(operation: operation)
    case .agentUnresponsive, .agentUnsynchronized, .agentCommandTimeout: self = .agentUnavailable
    case .xmlError: self = .invalidXML(error.message)
    default: self = .refused(operation: operation, message: error.message)
    }
  }
}
