import Catalog
import Hypervisor
import Logging
import Model
import Operations

extension RestoreRun {
  /// The filter behind which the target boots another VPS's disk for the first time; nil: none.
  func firstBootFilter() async throws(StepStop) -> NetworkFilter? {
    guard parts.settings.firstBootFiltering == .auto, kind == .restore,
      case .restore(let task) = job.task, task.sourceVPSID != job.vpsID
    else { return nil }
    let target = try requireTarget()
    let source = try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { try $0.vps(task.sourceVPSID) }
    }
    let filter = NetworkFilter.firstBoot(
      of: target,
      in: job.id,
      fromDiskOf: source,
      others: try await foreignAddresses()
    )
    let cards = try await describeTarget().inactiveInterfaces
    return cards.contains(where: \.takesFilter) ? filter : nil
  }

  /// Puts a target behind a filter, and lets one run that was started paused.
  ///
  /// A host that can't filter, or not soon, is no reason to keep a target waiting or to take a restore
  /// back: the agent's addresses are looked at in any case.
  func letRun(
    _ domain: DomainDescription,
    behind filter: NetworkFilter?
  ) async throws(StepStop) {
    if let filter {
      do throws(HypervisorError) {
        try await put(domain.interfaces, of: domain.reference, behind: filter, in: .live)
      } catch {
        parts.logger.warning(
          "first boot without a network filter",
          metadata: ["job.id": "\(job.id)", "error": "\(error)"]
        )
      }
    }
    guard domain.state == .paused else { return }
    // Behind the waits: the job may have become another worker's meanwhile.
    try await confirmLease()
    try await resume(domain.reference)
  }

  private func put(
    _ cards: [DomainInterface],
    of reference: DomainReference,
    behind filter: NetworkFilter,
    in form: DomainForm
  ) async throws(HypervisorError) {
    let watch = Stopwatch(parts.timer)
    while true {
      do throws(HypervisorError) {
        try await parts.hypervisor.defineFilter(filter)
        for card in cards where card.takesFilter {
          try await parts.hypervisor.setFilter(
            of: reference,
            mac: card.mac,
            named: filter.name,
            in: form
          )
        }
        return
      } catch .unavailable(let reason) {
        guard watch.elapsed < Limits.filterPatience, !Task.isCancelled else {
          throw .unavailable(reason)
        }
        await pause(.milliseconds(500))
      } catch {
        throw error
      }
    }
  }

  private func resume(_ reference: DomainReference) async throws(StepStop) {
    do throws(StepStop) {
      try await patiently { () async throws(HypervisorError) in
        try await parts.hypervisor.resume(reference)
      }
    } catch .failure(let failure) where !failure.isTransient {
      try await confirmLease()
      let state = try await patiently { () async throws(HypervisorError) in
        try await parts.hypervisor.state(of: reference)
      }
      switch state {
      case .paused:
        // It has written nothing yet, so there is nothing in it to be lost.
        try await patiently { () async throws(HypervisorError) in
          try await parts.hypervisor.destroy(reference, graceful: true)
        }
        throw .because(.startFailedRolledBack, "The target did not run with its new disk.")
      case .stopped, .crashed, .unknown:
        throw .because(.startFailedRolledBack, "The target did not run with its new disk.")
      case .running, .starting, .stopping, .pausedOnError, .suspended: return
      }
    }
  }

  /// What the target is when nobody's start is under way any more.
  ///
  /// One that was asked for by a worker who has died, or whose answer came too late, may still end in a
  /// paused machine that waits for its first instruction.
  func settledTarget() async throws(StepStop) -> DomainDescription {
    let watch = Stopwatch(parts.timer)
    while true {
      let domain = try await describeTarget()
      guard domain.state == .starting, watch.elapsed < parts.settings.hypervisorPatience,
        !Task.isCancelled
      else { return domain }
      await pause(.milliseconds(500))
    }
  }

  /// Lets a target whose addresses are known send what it likes, and tells what is still filtered.
  ///
  /// - Returns: What people should know.
  func settleFilters(after outcome: NetworkOutcome) async throws(StepStop) -> [String] {
    let domain = try await describeTarget()
    try await liftFormerFilters(of: domain)
    guard case .restore(let task) = job.task, task.sourceVPSID != job.vpsID else { return [] }
    let filter = try await firstBootFilter()
    guard domain.state.isActive else {
      guard let filter else { return [] }
      return [try await filterNextBoot(of: domain, by: filter)]
    }
    // Whatever the settings say by now.
    let filtered = domain.interfaces.filter { $0.filter == NetworkFilter.name(of: job.id) }
    if !outcome.confirmed {
      if filtered.isEmpty { return filter == nil ? [] : [Self.unfilteredNote] }
      return [Self.filteredNote]
    }
    return filtered.isEmpty ? [] : try await lift(filtered, of: domain.reference)
  }

  /// Puts a target that doesn't run behind a filter from its next start on, whoever starts it.
  ///
  /// There is nobody then who would put it in place while the machine is paused; the sweep of filters
  /// takes it out of the definition again.
  private func filterNextBoot(
    of domain: DomainDescription,
    by filter: NetworkFilter
  ) async throws(StepStop) -> String {
    try await confirmLease()
    do throws(HypervisorError) {
      let cards = domain.inactiveInterfaces
      try await put(cards, of: domain.reference, behind: filter, in: .definition)
      return Self.nextBootNote
    } catch {
      parts.logger.warning(
        "next boot without a network filter",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
      return Self.notBootedNote
    }
  }

  /// Takes the target from behind the filters of former restores: their disks are gone.
  ///
  /// What can't be lifted now is left to the sweep.
  private func liftFormerFilters(of domain: DomainDescription) async throws(StepStop) {
    let own = NetworkFilter.name(of: job.id)
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
    of reference: DomainReference
  ) async throws(StepStop) -> [String] {
    let name = NetworkFilter.name(of: job.id)
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
    + "until its guest shows them, or until the start after that."
  private static let notBootedNote =
    "The target doesn't run, and its host did not take a network filter for its next start: nobody "
    + "filters or looks at what it sends when it boots this disk."
  private static let unfilteredNote =
    "The target first booted without a network filter, which its host did not offer in time."
}
