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
    let filter = NetworkFilter.firstBoot(of: target, fromDiskOf: source)
    let cards = try await describeTarget().inactiveInterfaces
    return cards.contains { $0.takes(filter) } ? filter : nil
  }

  /// Puts a target that hasn't run its first instruction behind a filter, and lets it run.
  ///
  /// A host that can't filter is no reason to take a restore back: it is told, and the agent's addresses
  /// are looked at in any case.
  func letRun(
    _ domain: DomainDescription,
    behind filter: NetworkFilter
  ) async throws(StepStop) {
    do throws(StepStop) {
      try await patiently { () async throws(HypervisorError) in
        try await parts.hypervisor.defineFilter(filter)
      }
      for card in domain.interfaces where card.takes(filter) {
        try await patiently { () async throws(HypervisorError) in
          try await parts.hypervisor.setFilter(
            of: domain.reference,
            mac: card.mac,
            named: filter.name
          )
        }
      }
    } catch .failure(let failure) where !failure.isTransient {
      parts.logger.warning(
        "first boot without a network filter",
        metadata: ["job.id": "\(job.id)", "detail": "\(failure.detail)"]
      )
    }
    try await resume(domain.reference)
  }

  private func resume(_ reference: DomainReference) async throws(StepStop) {
    do throws(StepStop) {
      try await patiently { () async throws(HypervisorError) in
        try await parts.hypervisor.resume(reference)
      }
    } catch .failure(let failure) where !failure.isTransient {
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

  /// Lets a target whose addresses are known send what it likes, and tells what is still filtered.
  ///
  /// - Returns: What people should know.
  func liftFilter(after outcome: NetworkOutcome) async throws(StepStop) -> [String] {
    guard let filter = try await firstBootFilter() else { return [] }
    let domain = try await describeTarget()
    guard domain.state.isActive else { return [] }
    let cards = domain.interfaces.filter { $0.filter == filter.name }
    if !outcome.confirmed {
      return [cards.isEmpty ? Self.unfilteredNote : Self.filteredNote]
    }
    do throws(HypervisorError) {
      for card in cards {
        try await parts.hypervisor.setFilter(of: domain.reference, mac: card.mac, named: nil)
      }
      // One that is in use by now, or can't be removed, is swept later.
      try await parts.hypervisor.removeFilter(named: filter.name)
    } catch {
      parts.logger.warning(
        "network filter not lifted",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
      return cards.isEmpty ? [] : [Self.filteredNote]
    }
    return []
  }

  private static let filteredNote =
    "Until its next start the target can send from its own addresses only, as its network isn't "
    + "confirmed."
  private static let unfilteredNote =
    "The target first booted without a network filter, as its host has none to offer."
}
