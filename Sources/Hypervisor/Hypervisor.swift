/// One hypervisor host: what it tells about its domains and does to them.
///
/// Every call is bounded; one that throws ``HypervisorError/timedOut(operation:)`` or
/// ``HypervisorError/unavailable(_:)`` may still have taken effect.
package protocol Hypervisor: Sendable {
  // MARK: Looking

  /// Everything that is known of a domain now.
  func domain(_ reference: DomainReference) async throws(HypervisorError) -> DomainDescription
  /// The names of all domains, running or not, sorted.
  func domainNames() async throws(HypervisorError) -> [String]
  /// What a domain is doing now.
  func state(of reference: DomainReference) async throws(HypervisorError) -> DomainState
  /// Which domains use which files, running or only defined.
  func fileUsers() async throws(HypervisorError) -> FileUsers
  /// What a domain uses now; what isn't known in time is left out or the call throws.
  func usage(
    of reference: DomainReference,
    within limit: Duration
  ) async throws(HypervisorError) -> DomainUsage
  /// What the host says about itself.
  func hostInformation() async throws(HypervisorError) -> HostInformation
  /// What happens to domains from now on; the oldest are dropped if nobody reads.
  func events() -> AsyncStream<DomainEvent>
  /// Waits until a domain is in one of the states.
  ///
  /// libvirt may be away meanwhile, as long as it is back in time.
  /// - Returns: The state it is in.
  /// - Throws: ``HypervisorError/timedOut(operation:)`` if it isn't within the time.
  @discardableResult
  func waitUntil(
    _ reference: DomainReference,
    is states: Set<DomainState>,
    within limit: Duration
  ) async throws(HypervisorError) -> DomainState

  // MARK: Life

  /// Asks the guest to shut down; it need not obey.
  func requestShutdown(
    of reference: DomainReference,
    by way: ShutdownWay
  ) async throws(HypervisorError)
  /// Ends a domain; gracefully means that QEMU may write out what it holds.
  ///
  /// One that doesn't run is ended already.
  func destroy(_ reference: DomainReference, graceful: Bool) async throws(HypervisorError)
  /// Boots a domain; a saved memory image is thrown away, never resumed.
  func start(_ reference: DomainReference) async throws(HypervisorError)
  /// Boots a domain up to its first instruction, which it runs when it is resumed.
  func startPaused(_ reference: DomainReference) async throws(HypervisorError)
  /// Presses the reset button of a running domain.
  func reset(_ reference: DomainReference) async throws(HypervisorError)
  /// Lets a paused domain run on.
  func resume(_ reference: DomainReference) async throws(HypervisorError)
  /// Sets whether a domain starts with the host.
  func setAutostart(_ reference: DomainReference, _ value: Bool) async throws(HypervisorError)
  /// Waits until what was asked before, and changes the domain, is done or never will be.
  ///
  /// A call whose answer never came may still wait for its turn, and change the domain after all.
  func settle(_ reference: DomainReference) async throws(HypervisorError)
  /// Throws a saved memory image away; does nothing if there is none.
  func removeManagedSave(_ reference: DomainReference) async throws(HypervisorError)

  // MARK: Definition

  /// Adds a device to the definition, from the next start on.
  func attachDevice(_ reference: DomainReference, xml: String) async throws(HypervisorError)
  /// Changes a device of the definition, from the next start on.
  func updateDevice(_ reference: DomainReference, xml: String) async throws(HypervisorError)
  /// Removes a device from the definition, from the next start on.
  func detachDevice(_ reference: DomainReference, xml: String) async throws(HypervisorError)
  /// Plugs a network card's cable in or out: now if the domain runs, and for later starts if asked.
  func setLink(
    of reference: DomainReference,
    mac: String,
    up: Bool,
    persistently: Bool
  ) async throws(HypervisorError)
  /// Gives a domain that has a generation id a new one, from the next start on.
  ///
  /// - Returns: The new id; nil if the domain has none.
  @discardableResult
  func renewGenerationID(of reference: DomainReference) async throws(HypervisorError) -> String?
  /// Removes checkpoints with their bitmaps; those that libvirt doesn't know count as removed.
  ///
  /// - Returns: Those that are still there.
  func deleteCheckpoints(
    of reference: DomainReference,
    named names: [String]
  ) async throws(HypervisorError) -> CheckpointRemoval
  /// Makes libvirt forget checkpoints; those it doesn't know count as forgotten.
  func forgetCheckpoints(
    of reference: DomainReference,
    named names: [String]
  ) async throws(HypervisorError)

  // MARK: Filters

  /// Adds a network filter, or changes the one of the same name.
  func defineFilter(_ filter: NetworkFilter) async throws(HypervisorError)
  /// Puts a network card behind a filter, in the running domain until its next start or in the
  /// definition from its next start on.
  func setFilter(
    of reference: DomainReference,
    mac: String,
    named name: String,
    in form: DomainForm
  ) async throws(HypervisorError)
  /// Takes a network card from behind a filter; one that isn't behind it, or not any more, stays as
  /// it is.
  func liftFilter(
    of reference: DomainReference,
    mac: String,
    named name: String,
    in form: DomainForm
  ) async throws(HypervisorError)
  /// Removes a network filter; one that isn't there counts as removed.
  ///
  /// - Returns: False if a running domain uses it.
  @discardableResult
  func removeFilter(named name: String) async throws(HypervisorError) -> Bool
  /// The names of all network filters of the host.
  func filterNames() async throws(HypervisorError) -> [String]

  // MARK: Guest agent

  /// Asks the agent for a sign of life.
  func agentPing(
    _ reference: DomainReference,
    timeout: Duration
  ) async throws(HypervisorError)
  /// The guest's network cards and addresses, as its agent tells them.
  func addresses(
    of reference: DomainReference
  ) async throws(HypervisorError) -> [GuestInterface]
  /// The guest's operating system, as its agent tells it; nil if it tells nothing of use.
  func operatingSystem(
    of reference: DomainReference
  ) async throws(HypervisorError) -> GuestSystem?
  /// Freezes the guest's file systems.
  ///
  /// After a failure thaw until that is acknowledged: the freeze may bite late.
  /// - Returns: How many were frozen.
  func freeze(
    _ reference: DomainReference,
    timeout: Duration
  ) async throws(HypervisorError) -> Int
  /// Thaws the guest's file systems.
  ///
  /// - Returns: How many were thawed.
  @discardableResult
  func thaw(
    _ reference: DomainReference,
    timeout: Duration
  ) async throws(HypervisorError) -> Int
  /// Whether the guest's file systems are frozen.
  func freezeStatus(
    of reference: DomainReference
  ) async throws(HypervisorError) -> FreezeStatus

  // MARK: Backup

  /// Begins a pull-mode backup session: from now on the NBD server offers this moment's disks.
  ///
  /// - Returns: Whether it runs; a request for no changes always begins, or throws.
  @discardableResult
  func beginBackup(
    of reference: DomainReference,
    _ request: BackupRequest
  ) async throws(HypervisorError) -> SessionStart
  /// Ends the backup session, whoever began it; does nothing if there is none.
  func abortBackup(of reference: DomainReference) async throws(HypervisorError)
  /// The scratch files of the running backup session; nil if there is none.
  func backupScratchPaths(
    of reference: DomainReference
  ) async throws(HypervisorError) -> [String]?

  /// How often the guest of a running domain has had what it wrote to a disk made durable; nil: unknown.
  ///
  /// Each time QEMU writes the tables of an image out as well. The count begins anew with each QEMU.
  func flushCount(
    of reference: DomainReference,
    device: String
  ) async throws(HypervisorError) -> Int64?

  // MARK: Storage

  /// Makes libvirt look again at the storage pool that a file lies in, if there is one.
  func refreshPool(containing path: String) async throws(HypervisorError)
}

extension Hypervisor {
  /// Thaws the guest's file systems, with the usual time for an answer.
  ///
  /// - Returns: How many were thawed.
  @discardableResult
  package func thaw(_ reference: DomainReference) async throws(HypervisorError) -> Int {
    try await thaw(reference, timeout: CallLimits.agentAnswer)
  }

  /// Plugs a network card's cable in or out, until the guest's next start.
  package func setLink(
    of reference: DomainReference,
    mac: String,
    up: Bool
  ) async throws(HypervisorError) {
    try await setLink(of: reference, mac: mac, up: up, persistently: false)
  }

  /// Asks the guest to shut down in the best way it has: by its agent if that listens, else by the
  /// power button.
  ///
  /// - Returns: The way that was taken.
  @discardableResult
  package func requestShutdown(
    of reference: DomainReference
  ) async throws(HypervisorError) -> ShutdownWay {
    if try await domain(reference).isAgentConnected {
      do throws(HypervisorError) {
        try await requestShutdown(of: reference, by: .agent)
        return .agent
      } catch {
        switch error {
        // A frozen, hung or forbidden agent; the kernel may still listen.
        case .agentUnavailable, .timedOut, .refused: break
        case .unavailable, .domainMissing, .invalidXML: throw error
        }
      }
    }
    do throws(HypervisorError) {
      try await requestShutdown(of: reference, by: .acpi)
      return .acpi
    } catch {
      // An agent doesn't say goodbye: its guest may be down although it gave no answer.
      guard case .refused = error, try await !state(of: reference).isActive else { throw error }
      return .agent
    }
  }
}
