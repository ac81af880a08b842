import Catalog
import Disks
import Guest
import Hypervisor
import Logging
import Model
import Operations

extension RestoreRun {
  /// Starts the target if it ran before; a start whose answer was lost is resolved by asking.
  func start() async throws(StepStop) {
    let watch = Stopwatch(parts.timer)
    try await record(.start, .begun)
    if try startsTarget() {
      await parts.reached(.beforeStart)
      try await startDomain()
      await parts.reached(.afterStart)
    } else {
      // Nobody could while this job had the lock, but its worker may have died in between.
      try await holdStarted()
      releaseLock()
    }
    try await record(
      .start,
      .done,
      TimedRecord(milliseconds: watch.elapsed.milliseconds)
    )
  }

  /// Whether the target is started when it has its disks.
  func startsTarget() throws(StepStop) -> Bool {
    if journal.stop?.wasRunning == true { return true }
    guard case .restore(let task) = job.task else { return false }
    return task.startsWhenOff
  }

  /// Starts the domain, letting go of the disks in the last moment.
  private func startDomain() async throws(StepStop) {
    let reference = try requireTarget().reference
    if kind == .undo, try await !holdNextBoot() { try await cutForeignDisk() }
    let filter = try await firstBootFilter()
    let before = try await patiently { () async throws(HypervisorError) in
      try await parts.hypervisor.state(of: reference)
    }
    // Behind the wait: the job may have become another worker's meanwhile, and have ended.
    try await confirmLease()
    releaseLock()
    // Whoever has started it may have died before it ran.
    if before.isActive { return try await letRunAnyway(behind: filter) }
    var refusal = ""
    if filter != nil { try await record(.start, .begun, StartRecord(isPaused: true)) }
    do throws(HypervisorError) {
      try await startInAnyCase(reference, isPaused: filter != nil)
    } catch {
      refusal = error.publicReason
    }
    let domain = filter == nil ? try await describeTarget() : try await settledTarget()
    guard domain.state.isActive else {
      throw .because(
        .startFailedRolledBack,
        "The target did not start with its new disk\(refusal.isEmpty ? "" : ": \(refusal)")."
      )
    }
    try requireNoChain(domain)
    if let filter { try await letRun(domain, behind: filter) }
  }

  /// Starts the target, if need be without the network filter that its definition names.
  func startInAnyCase(
    _ reference: DomainReference,
    isPaused: Bool = false
  ) async throws(HypervisorError) {
    guard try await parts.hypervisor.startInAnyCase(reference, isPaused: isPaused) else { return }
    parts.logger.warning(
      "started without the network filter of its definition",
      metadata: ["job.id": "\(job.id)"]
    )
  }

  /// Sees to it that a target runs which somebody has started, whatever an earlier attempt wanted.
  private func letRunAnyway(behind filter: NetworkFilter?) async throws(StepStop) {
    guard filter != nil || journal.startsPaused else { return }
    let domain = try await settledTarget()
    guard domain.state.isActive else {
      throw .because(.startFailedRolledBack, "The target did not start with its new disk.")
    }
    try requireNoChain(domain)
    // One that somebody else has suspended was never ours to let run.
    let isOurs = journal.startsPaused || domain.state != .paused
    if isOurs { try await letRun(domain, behind: filter) }
  }

  /// A chain that came up under the new disk would make it read another file's bytes.
  private func requireNoChain(_ domain: DomainDescription) throws(StepStop) {
    for pair in try pairs() {
      let live = domain.disks.first { $0.targetDevice == pair.disk }
      guard live?.backingPath == nil else {
        throw .operatorNeeded("The target started with a backing file under its new disk.")
      }
    }
  }

  /// Asks the guest itself what addresses it has, for a bounded while.
  func confirm() async throws(StepStop) {
    if journal.summary.done.contains(.confirm) { return }
    try await record(.confirm, .begun)
    await parts.reached(.duringConfirm)
    // Not before: nothing brings back the disk any more that they were set down for.
    var notes = try await raiseLinks()
    let outcome = try await boundedOutcome()
    if kind == .restore {
      notes.append("cloud-init makes new SSH host keys and a machine id that are the target's own.")
    }
    if outcome.confirmedReason == .foreignAddress {
      notes.append(try await foreignAddressNote())
    }
    notes += try await settleFilters(after: outcome)
    try await record(.confirm, .done, ConfirmRecord(network: outcome, notes: notes))
  }

  /// The target runs on its new disk: not being able to ask it is an outcome, not a failure.
  private func boundedOutcome() async throws(StepStop) -> NetworkOutcome {
    do throws(StepStop) {
      return try await networkOutcome()
    } catch {
      // A hypervisor that is away is asked again: links may have to be cut for a foreign address.
      guard case .failure(let failure) = error, !failure.isTransient else { throw error }
      parts.logger.warning(
        "network not confirmed",
        metadata: ["job.id": "\(job.id)", "detail": "\(failure.detail)"]
      )
      return NetworkOutcome(
        reapplied: journal.stop?.seed.after != nil,
        confirmed: false,
        confirmedReason: .timeout,
        addresses: []
      )
    }
  }

  private func networkOutcome() async throws(StepStop) -> NetworkOutcome {
    let isReapplied = journal.stop?.seed.after != nil
    func unconfirmed(_ reason: UnconfirmedReason, _ addresses: [String] = []) -> NetworkOutcome {
      NetworkOutcome(
        reapplied: isReapplied,
        confirmed: false,
        confirmedReason: reason,
        addresses: addresses
      )
    }
    func cutOff(_ addresses: [String] = []) async throws(StepStop) -> NetworkOutcome {
      do throws(StepStop) {
        try await cutLinks()
      } catch .failure(let failure) where !failure.isTransient {
        // What could be cut is; the notes tell of the rest.
      }
      return unconfirmed(.foreignAddress, addresses)
    }
    let domain = try await describeTarget()
    guard domain.state.isActive else { return unconfirmed(.targetOff) }
    // An earlier attempt has seen it. What a guest shows that is off its network proves nothing.
    if try await !notedLinks(areOwn: true).isEmpty { return try await cutOff() }
    guard domain.hasAgentChannel else { return unconfirmed(.noAgent) }
    let target = try requireTarget()
    let foreign = try await foreignAddresses()
    let watch = Stopwatch(parts.timer)
    var last: UnconfirmedReason = .noAgent
    var shown: [String] = []
    while watch.elapsed < parts.settings.confirmTimeout, !Task.isCancelled {
      if let interfaces = await askAgent(domain.reference) {
        shown = Array(interfaces.flatMap(\.addresses).prefix(Limits.guestAddresses))
        switch GuestCheck.verdict(network: target.network, shown: shown, others: foreign) {
        case .confirmed:
          return NetworkOutcome(
            reapplied: isReapplied,
            confirmed: true,
            confirmedReason: nil,
            addresses: shown
          )
        case .foreign:
          return try await cutOff(shown)
        case .mismatch:
          last = .mismatch
        }
      }
      report(.confirm)
      guard try await isStillRunning(domain.reference) else {
        return unconfirmed(.targetOff, shown)
      }
      await pause(.seconds(1))
    }
    return unconfirmed(last, shown)
  }

  private func isStillRunning(_ reference: DomainReference) async throws(StepStop) -> Bool {
    try await patiently { () async throws(HypervisorError) in
      try await parts.hypervisor.state(of: reference).isActive
    }
  }

  /// Nil while the agent doesn't answer: the guest is still booting, or has none.
  private func askAgent(_ reference: DomainReference) async -> [GuestInterface]? {
    do throws(HypervisorError) {
      return try await parts.hypervisor.addresses(of: reference)
    } catch {
      return nil
    }
  }

  /// The addresses that other VPSs hold.
  func foreignAddresses() async throws(StepStop) -> [String] {
    let own = job.vpsID
    return try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { try AddressRegistry($0).addresses(besidesThoseOf: own) }
    }
  }
}
