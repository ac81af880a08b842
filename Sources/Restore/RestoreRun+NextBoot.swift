import Catalog
import Hypervisor
import Logging
import Model
import Operations

extension RestoreRun {
  /// The filter behind which the target boots an unconfirmed disk of another VPS; nil: none.
  func nextBootFilter() async throws(StepStop) -> NetworkFilter? {
    guard let origin = try await diskOrigin() else { return nil }
    return try await filter(forDiskOf: origin)
  }

  /// The restore that has brought the disk that is the target's after this job, if it is another VPS's and
  /// nobody has seen it with the target's addresses.
  private func diskOrigin() async throws(StepStop) -> Job? {
    let job = job
    return try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { transaction in
        switch job.task {
        case .restore(let task) where task.sourceVPSID != job.vpsID: return job
        case .restore(let task):
          guard let backup = try transaction.backup(task.backupID) else { return nil }
          return try transaction.firstBootHistory(of: job.vpsID).disk(at: backup.createdAt)
        case .undo(let task):
          let history = try transaction.firstBootHistory(of: job.vpsID)
          return history.disk(before: task.restoreJobID)
        case .backup, .power: return nil
        }
      }
    }
  }

  private func filter(forDiskOf origin: Job) async throws(StepStop) -> NetworkFilter? {
    guard parts.settings.firstBootFiltering == .auto, case .restore(let task) = origin.task
    else { return nil }
    let target = try requireTarget()
    let source = try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { try $0.vps(task.sourceVPSID) }
    }
    let filter = NetworkFilter.firstBoot(
      of: target,
      in: origin.id,
      fromDiskOf: source,
      others: try await foreignAddresses()
    )
    let cards = try await describeTarget().inactiveInterfaces
    return cards.contains { $0.takesFilter(in: .live) } ? filter : nil
  }

  /// Puts a target that we don't start paused behind its filter from its next start on, whoever starts it.
  ///
  /// The sweep of filters takes it out of the definition again.
  ///
  /// - Returns: Whether that is so, or nothing needs it.
  @discardableResult
  func holdNextBoot() async throws(StepStop) -> Bool {
    guard let filter = try await nextBootFilter() else { return true }
    return try await hold(filter)
  }

  /// Takes the target off its network before it has a disk again that was seen with another VPS's address:
  /// where nothing filters it, that is.
  func cutForeignDisk() async throws(StepStop) {
    guard let origin = try await diskOrigin(), case .restore(let result) = origin.result,
      result.network.confirmedReason == .foreignAddress
    else { return }
    try await cutLinks()
  }

  /// Puts a target that somebody else has started behind its filter, late but for the rest of its boot.
  func holdStarted() async throws(StepStop) {
    let domain = try await describeTarget()
    guard domain.state.isActive, let filter = try await nextBootFilter() else { return }
    await put(domain, behind: filter)
  }

  /// Puts a target whose former disk is taken back behind that one's filter, if it needs one, from its
  /// next start on.
  ///
  /// A hypervisor that can't be asked is no reason to leave it off.
  func holdFormerBoot() async throws(StepStop) {
    do throws(StepStop) {
      try await holdFormerDisk()
    } catch .failure(let failure) {
      parts.logger.warning(
        "former disk not looked at for a network filter",
        metadata: ["job.id": "\(job.id)", "detail": "\(failure.detail)"]
      )
    }
  }

  private func holdFormerDisk() async throws(StepStop) {
    let id = job.vpsID
    let origin = try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { try $0.firstBootHistory(of: id).standing }
    }
    var isHeld = true
    if let origin, let filter = try await filter(forDiskOf: origin) {
      isHeld = try await hold(filter)
    }
    if isHeld {
      try await lift(besides: origin.map { NetworkFilter.name(of: $0.id) }, of: describeTarget())
    }
  }

  private func hold(_ filter: NetworkFilter) async throws(StepStop) -> Bool {
    let domain = try await describeTarget()
    try await confirmLease()
    do throws(HypervisorError) {
      let cards = domain.inactiveInterfaces
      try await put(cards, of: domain.reference, behind: filter, in: .definition)
      return cards.contains { $0.takesFilter(in: .definition) }
    } catch {
      parts.logger.warning(
        "next boot without a network filter",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
      return false
    }
  }

  /// Lets a target whose addresses are known send what it likes, and tells what is still filtered.
  ///
  /// - Returns: What people should know.
  func settleFilters(after outcome: NetworkOutcome) async throws(StepStop) -> [String] {
    let domain = try await describeTarget()
    guard let origin = try await diskOrigin() else {
      try await lift(besides: nil, of: domain)
      return []
    }
    let name = NetworkFilter.name(of: origin.id)
    let isWanted = try await filter(forDiskOf: origin) != nil
    // Whatever the settings say by now.
    let filtered = domain.interfaces.filter { $0.filter == name }
    let isWhole = domain.interfaces.allSatisfy { $0.filter == name || !$0.takesFilter(in: .live) }
    var notes: [String] = []
    var isSettled = outcome.confirmed || !filtered.isEmpty && isWhole
    if !domain.state.isActive {
      guard isWanted else { return [] }
      isSettled = try await holdNextBoot()
      if kind == .undo, !isSettled { try await cutForeignDisk() }
      notes = [isSettled ? Self.nextBootNote : Self.notBootedNote]
    } else if outcome.confirmed {
      if !filtered.isEmpty { notes = try await lift(filtered, of: domain.reference, from: name) }
    } else if !filtered.isEmpty {
      notes = [Self.filteredNote]
    } else if isWanted {
      notes = [Self.unfilteredNote]
    }
    // A filter of a disk that is gone passes what is the target's own, too: better than none.
    if isSettled { try await lift(besides: name, of: domain) }
    return notes
  }

  /// Takes the target from behind the filters of disks that are gone.
  ///
  /// What can't be lifted now is left to the sweep.
  private func lift(
    besides own: String?,
    of domain: DomainDescription
  ) async throws(StepStop) {
    let named =
      domain.interfaces.map { (card: $0, form: DomainForm.live) }
      + domain.inactiveInterfaces.map { (card: $0, form: DomainForm.definition) }
    for (card, form) in named {
      guard let name = card.filterOfOurs, name != own else { continue }
      try await confirmLease()
      do throws(HypervisorError) {
        try await parts.hypervisor.liftFilter(
          of: domain.reference,
          mac: card.mac,
          named: name,
          in: form
        )
      } catch {
        parts.logger.info(
          "network filter of a former restore not lifted",
          metadata: ["job.id": "\(job.id)", "error": "\(error)"]
        )
      }
    }
  }

  private func lift(
    _ cards: [DomainInterface],
    of reference: DomainReference,
    from name: String
  ) async throws(StepStop) -> [String] {
    do throws(StepStop) {
      try await confirmLease()
      // An attempt that found the target off may have put it into the definition, which couldn't be
      // started without the filter.
      for card in cards {
        for form in DomainForm.allCases {
          try await patiently { () async throws(HypervisorError) in
            try await parts.hypervisor.liftFilter(
              of: reference,
              mac: card.mac,
              named: name,
              in: form
            )
          }
        }
      }
    } catch .failure(let failure) {
      parts.logger.warning(
        "network filter not lifted",
        metadata: ["job.id": "\(job.id)", "detail": "\(failure.detail)"]
      )
      return [Self.notLiftedNote]
    }
    do throws(HypervisorError) {
      try await parts.hypervisor.removeFilter(named: name)
    } catch {
      // The sweep will.
      parts.logger.info("network filter not removed", metadata: ["job.id": "\(job.id)"])
    }
    return []
  }

  private static let filteredNote =
    "Until its guest shows its addresses, or until its next start, the target's filtered network "
    + "cards send from its own addresses only, as its network isn't confirmed."
  private static let notLiftedNote =
    "The hypervisor did not lift the filter of the target's network cards, which send from its own "
    + "addresses only until its next start at the latest."
  private static let nextBootNote =
    "The target doesn't run: when it is started, its network cards send from its own addresses only "
    + "until its guest shows them; if it shows none, until the first start after ten minutes of running."
  private static let notBootedNote =
    "The target doesn't run, and its host did not take a network filter for its next start: nobody "
    + "filters or looks at what it sends when it boots this disk."
  private static let unfilteredNote =
    "The target first booted without a network filter, which its host did not offer in time."
}
