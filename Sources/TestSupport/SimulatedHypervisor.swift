package import Hypervisor

/// What guests do to their host, for tests that have files under them.
package protocol GuestPower: Sendable {
  /// A guest is about to run; what it throws is why it doesn't.
  func willStart(_ domain: DomainDescription) throws(HypervisorError)
  /// A guest runs no more; suddenly means that it had no time to write anything.
  func didStop(_ domain: DomainDescription, isSudden: Bool)
  /// A guest was started but hasn't run its first instruction.
  func didStartPaused(_ domain: DomainDescription)
  /// A guest that was stopped goes on.
  func didResume(_ domain: DomainDescription)
  /// A guest's file systems are frozen, or not any more.
  func didFreeze(_ domain: DomainDescription, _ isFrozen: Bool)
  /// A backup of a guest is about to begin; what it throws is why it doesn't.
  func willBackUp(_ domain: DomainDescription, _ request: BackupRequest) throws(HypervisorError)
  /// A backup of a guest is over.
  func didBackUp(_ domain: DomainDescription)
}

extension GuestPower {
  package func didStartPaused(_ domain: DomainDescription) {}

  package func didResume(_ domain: DomainDescription) {}

  package func didFreeze(_ domain: DomainDescription, _ isFrozen: Bool) {}

  package func willBackUp(
    _ domain: DomainDescription,
    _ request: BackupRequest
  ) throws(HypervisorError) {}

  package func didBackUp(_ domain: DomainDescription) {}
}

/// A hypervisor host that exists only in a test, for the faults that a real one doesn't produce
/// on demand.
///
/// Its guests obey at once, so nothing here waits: what isn't so now counts as "not in time".
package actor SimulatedHypervisor: Hypervisor {
  /// What can be asked of a hypervisor.
  package enum Operation: String, Sendable, CaseIterable {
    case usage, operatingSystem
    case domain, domainNames, state, fileUsers, hostInformation, waitUntil
    case requestShutdown, destroy, start, startPaused, reset, resume
    case setAutostart, removeManagedSave, settle
    case attachDevice, updateDevice, detachDevice, setLink, renewGenerationID
    case deleteCheckpoints, forgetCheckpoints, flushCount
    case defineFilter, setFilter, liftFilter, removeFilter, filterNames
    case agentPing, addresses, freeze, thaw, freezeStatus
    case beginBackup, abortBackup, backupScratchPaths, refreshPool
  }

  /// One call that was made.
  package struct Call: Sendable, Equatable {
    /// What was asked.
    package let operation: Operation
    /// Of which domain; nil for questions about the host.
    package let domain: String?
    /// The arguments that matter, as text.
    package let detail: String

    /// Makes a call.
    package init(_ operation: Operation, domain: String? = nil, detail: String = "") {
      self.operation = operation
      self.domain = domain
      self.detail = detail
    }
  }

  /// What goes wrong with an operation.
  package enum Fault: Sendable {
    /// The next call fails, before it has any effect.
    case failOnce(HypervisorError)
    /// Every call fails, before it has any effect.
    case failAlways(HypervisorError)
    /// The next call has its effect, but its answer is lost.
    case loseAnswer(HypervisorError)
    /// Calls wait until ``SimulatedHypervisor/clearFault(of:)``.
    case hang
    /// The next call fails, and has its effect with ``SimulatedHypervisor/finishLate()``.
    case late(HypervisorError)
  }

  /// One domain and how its guest behaves.
  package struct Machine: Sendable {
    /// What the hypervisor tells about it.
    package var description: DomainDescription
    /// Whether its kernel ignores the power button.
    package var ignoresACPI = false
    /// Whether its agent answers while it runs.
    package var hasAgent = true
    /// What its agent tells of its network cards.
    package var guestInterfaces: [GuestInterface] = []
    /// What its agent tells of its operating system.
    package var system: GuestSystem?
    /// What it uses; nil: what its description says, with nothing in use.
    package var usage: DomainUsage?
    /// Whether its file systems are frozen.
    package var isFrozen = false
    /// The checkpoints whose bitmaps its disks have lost.
    package var lostBitmaps: Set<String> = []
    /// How often its guest has flushed its disks.
    package var flushCount: Int64 = 0
    /// The backup session that runs.
    package var backup: BackupRequest?

    /// Makes a machine that does what it is asked.
    package init(_ description: DomainDescription) {
      self.description = description
    }
  }

  /// Everything that was asked so far, in order.
  package private(set) var calls: [Call] = []
  private(set) var machines: [Machine] = []
  /// The network filters of the host by their names.
  package var filters: [String: NetworkFilter] = [:]
  private var faults: [Operation: Fault] = [:]
  /// What was asked of machines and isn't done yet.
  private var late: [() -> Void] = []
  private var hanging: [Operation: [CheckedContinuation<Void, Never>]] = [:]
  private var beforeEach: (@Sendable (Call) async -> Void)?
  private var chooseFault: (@Sendable (Call) async -> Fault?)?
  private(set) var power: (any GuestPower)?
  private let hub = EventHub()

  /// Makes a host with these machines.
  package init(_ machines: [Machine] = []) {
    self.machines = machines
  }

  // MARK: Script

  /// Adds a machine.
  package func add(_ machine: Machine) {
    machines.append(machine)
  }

  /// Makes a domain disappear.
  package func remove(_ name: String) {
    machines.removeAll { $0.description.name == name }
  }

  /// Looks at a machine, or changes it behind the hypervisor's back.
  @discardableResult
  package func change<Value: Sendable>(
    _ name: String,
    _ body: @Sendable (inout Machine) -> Value
  ) throws(HypervisorError) -> Value {
    guard let index = machines.firstIndex(where: { $0.description.name == name }) else {
      throw .domainMissing(name)
    }
    return body(&machines[index])
  }

  /// Sets what goes wrong with an operation from now on.
  package func setFault(_ fault: Fault, of operation: Operation) {
    faults[operation] = fault
  }

  /// Makes an operation sound again and lets go what hangs in it.
  package func clearFault(of operation: Operation) {
    faults[operation] = nil
    for waiting in hanging.removeValue(forKey: operation) ?? [] { waiting.resume() }
  }

  /// Sets what is done before each call has its effect.
  package func setBeforeEach(_ body: (@Sendable (Call) async -> Void)?) {
    beforeEach = body
  }

  /// Sets who is asked before each call what goes wrong with it; nil from it: nothing does.
  package func setChooser(_ body: (@Sendable (Call) async -> Fault?)?) {
    chooseFault = body
  }

  /// Sets what guests do to their host when they start and end.
  package func setPower(_ power: (any GuestPower)?) {
    self.power = power
  }

  /// Ends all guests at once, as a host that loses its power does.
  package func losePower() {
    for index in machines.indices where machines[index].description.state.isActive {
      stop(&machines[index], isSudden: true)
    }
  }

  /// Does what hung until now, as far as it still can be done.
  package func finishLate() {
    let waiting = late
    late = []
    for effect in waiting { effect() }
  }

  /// Forgets what hangs, as a host that loses its power does.
  package func dropLate() { late = [] }

  /// Tells all listeners of an event.
  package func publish(_ event: DomainEvent) {
    hub.publish(event)
  }

  package nonisolated func events() -> AsyncStream<DomainEvent> {
    hub.stream()
  }

  // MARK: For the operations

  /// Notes a call, does what the script says, then the effect.
  func perform<Value: Sendable>(
    _ call: Call,
    _ effect: @escaping () throws(HypervisorError) -> Value
  ) async throws(HypervisorError) -> Value {
    calls.append(call)
    await beforeEach?(call)
    switch await chooseFault?(call) {
    case .failOnce(let error), .failAlways(let error): throw error
    case .loseAnswer(let error):
      _ = try effect()
      throw error
    case .late(let error):
      postpone(effect)
      throw error
    case .hang, nil: break
    }
    switch faults[call.operation] {
    case nil: break
    case .failOnce(let error):
      faults[call.operation] = nil
      throw error
    case .failAlways(let error):
      throw error
    case .loseAnswer(let error):
      faults[call.operation] = nil
      _ = try effect()
      throw error
    case .late(let error):
      faults[call.operation] = nil
      postpone(effect)
      throw error
    case .hang:
      await withCheckedContinuation { hanging[call.operation, default: []].append($0) }
    }
    return try effect()
  }

  /// Notes a call on a domain, does what the script says, then the effect on the machine.
  func perform<Value: Sendable>(
    _ operation: Operation,
    _ reference: DomainReference,
    _ detail: String = "",
    _ effect: @escaping (inout Machine) throws(HypervisorError) -> Value
  ) async throws(HypervisorError) -> Value {
    let call = Call(operation, domain: reference.name, detail: detail)
    return try await perform(call) { () throws(HypervisorError) -> Value in
      let index = self.machines.firstIndex {
        let description = $0.description
        return reference.uuid.map { $0 == description.uuid } ?? (reference.name == description.name)
      }
      guard let index else { throw .domainMissing(reference.name) }
      return try effect(&self.machines[index])
    }
  }

  private func postpone<Value>(_ effect: @escaping () throws(HypervisorError) -> Value) {
    // What it comes to nobody hears.
    late.append { _ = try? effect() }
  }

  /// The names of the machines that a condition holds for.
  func names(where condition: (Machine) -> Bool) -> [String] {
    machines.filter(condition).map(\.description.name).sorted()
  }

  /// Tells all listeners what happened to a machine.
  func publish(_ kind: DomainEvent.Kind, of machine: Machine) {
    hub.publish(DomainEvent(domain: machine.description.reference, kind: kind))
  }
}
