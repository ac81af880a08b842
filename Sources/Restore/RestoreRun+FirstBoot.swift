import Catalog
import Hypervisor
import Logging
import Model
import Operations

extension RestoreRun {
  /// The filter behind which the target is let run after a paused start; nil: none.
  func firstBootFilter() async throws(StepStop) -> NetworkFilter? {
    // What an undo brings back is filtered from its definition on: it has no way back for a machine that
    // can't be let run.
    kind == .restore ? try await nextBootFilter() : nil
  }

  /// Puts a target behind a filter, and lets one run that was started paused.
  func letRun(
    _ domain: DomainDescription,
    behind filter: NetworkFilter?
  ) async throws(StepStop) {
    if let filter { await put(domain, behind: filter) }
    guard domain.state == .paused else { return }
    // Behind the waits: the job may have become another worker's meanwhile.
    try await confirmLease()
    try await resume(domain.reference)
  }

  /// Puts a target that runs behind a filter.
  ///
  /// A host that can't filter, or not soon, is no reason to keep a target waiting or to take a restore
  /// back: the agent's addresses are looked at in any case.
  func put(_ domain: DomainDescription, behind filter: NetworkFilter) async {
    do throws(HypervisorError) {
      try await put(domain.interfaces, of: domain.reference, behind: filter, in: .live)
    } catch {
      parts.logger.warning(
        "first boot without a network filter",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
    }
  }

  func put(
    _ cards: [DomainInterface],
    of reference: DomainReference,
    behind filter: NetworkFilter,
    in form: DomainForm
  ) async throws(HypervisorError) {
    let watch = Stopwatch(parts.timer)
    while true {
      do throws(HypervisorError) {
        try await parts.hypervisor.defineFilter(filter)
        for card in cards where card.takesFilter(in: form) {
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
}
