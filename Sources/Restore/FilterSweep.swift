package import Catalog
import Guest
package import Hypervisor
package import Logging
package import Model
import Operations

/// Sees to the network filters of restores that are over.
///
/// A guest that shows its own addresses is let out, one that shows another VPS's loses its links, and
/// what no machine is behind is removed.
package struct FilterSweep: Sendable {
  private let catalog: any Catalog
  private let hypervisor: any Hypervisor
  private let node: String
  private let clock: any WallClock
  private let logger: Logger

  /// Makes the sweep of one node.
  package init(
    catalog: any Catalog,
    hypervisor: any Hypervisor,
    node: String,
    clock: any WallClock,
    logger: Logger
  ) {
    self.catalog = catalog
    self.hypervisor = hypervisor
    self.node = node
    self.clock = clock
    self.logger = logger
  }

  /// Looks at every filter of this node's restores once.
  package func run() async {
    do throws(HypervisorError) {
      for name in try await hypervisor.filterNames() {
        // Another installation on this host may have filters too.
        guard let id = NetworkFilter.job(named: name) else { continue }
        await tend(name, of: id)
      }
    } catch {
      logger.warning("network filters not swept", metadata: ["error": "\(error)"])
    }
  }

  private func tend(_ name: String, of id: JobID) async {
    do {
      guard let facts = try await catalog.read({ try FilterFacts($0, of: id) }),
        facts.node == node, !facts.isUndecided
      else { return }
      guard let vps = facts.vps, let domain = try await domain(of: vps) else {
        try await hypervisor.removeFilter(named: name)
        return
      }
      var sight = FilterSight(name, facts, domain)
      if sight.isLive, !sight.isOver { sight.verdict = await verdict(of: vps, facts) }
      try await make(sight.move, name, domain, facts)
    } catch {
      logger.warning(
        "network filter not swept",
        metadata: ["filter": "\(name)", "error": "\(error)"]
      )
    }
  }

  /// Nil: the host doesn't know it any more.
  private func domain(of vps: VPS) async throws(HypervisorError) -> DomainDescription? {
    do throws(HypervisorError) {
      return try await hypervisor.domain(vps.reference)
    } catch .domainMissing {
      return nil
    } catch {
      throw error
    }
  }

  private func verdict(of vps: VPS, _ facts: FilterFacts) async -> GuestCheck.Verdict? {
    do throws(HypervisorError) {
      let shown = try await hypervisor.addresses(of: vps.reference).flatMap(\.addresses)
      return GuestCheck.verdict(network: vps.network, shown: shown, others: facts.others)
    } catch {
      return nil
    }
  }

  private func make(
    _ move: FilterMove,
    _ name: String,
    _ domain: DomainDescription,
    _ facts: FilterFacts
  ) async throws(HypervisorError) {
    switch move {
    case .keep: break
    case .liftFromDefinition: try await lift(name, of: domain, in: [.definition])
    case .lift: try await lift(name, of: domain, in: DomainForm.allCases)
    case .cutLinks: try await cutLinks(of: domain)
    case .remove:
      // A libvirt that hung may still put it into the definition, which nothing could be started of then.
      guard clock.now() >= facts.finishedAt.advanced(by: Limits.filterLateness) else { return }
      if try await hypervisor.removeFilter(named: name) {
        logger.info("network filter removed", metadata: ["filter": "\(name)"])
      }
    }
  }

  private func lift(
    _ name: String,
    of domain: DomainDescription,
    in forms: [DomainForm]
  ) async throws(HypervisorError) {
    for card in domain.interfaces + domain.inactiveInterfaces where card.filter == name {
      for form in forms {
        try await hypervisor.liftFilter(
          of: domain.reference,
          mac: card.mac,
          named: name,
          in: form
        )
      }
    }
    logger.info(
      "network filter lifted",
      metadata: ["filter": "\(name)", "forms": "\(forms.map(\.rawValue))"]
    )
  }

  private func cutLinks(of domain: DomainDescription) async throws(HypervisorError) {
    let linked = domain.interfaces.filter(\.linkUp)
    guard !linked.isEmpty else { return }
    for card in linked {
      try await hypervisor.setLink(
        of: domain.reference,
        mac: card.mac,
        up: false,
        persistently: true
      )
    }
    logger.error(
      "target shows another VPS's address, links set down",
      metadata: ["domain": "\(domain.reference.name)"]
    )
  }
}

extension FilterSight {
  fileprivate init(_ name: String, _ facts: FilterFacts, _ domain: DomainDescription) {
    isOver = facts.isOver
    isActive = domain.state.isActive
    isLive = isActive && domain.interfaces.contains { $0.filter == name }
    isDefined = domain.inactiveInterfaces.contains { $0.filter == name }
    hasSavedMemory = domain.hasManagedSave
  }
}

/// What the catalog says of a restore's filter.
private struct FilterFacts: Sendable {
  /// The host of the restore.
  var node: String
  /// Its target; nil: gone.
  var vps: VPS?
  /// Whether a job may still be at the target's disks, or an operator has to be.
  var isUndecided: Bool
  /// Whether another disk is the target's by now.
  var isOver: Bool
  /// When the restore ended.
  var finishedAt: Timestamp
  /// The addresses of other VPSs.
  var others: [String]

  /// Nil for a job that the catalog doesn't know.
  init?(_ transaction: any CatalogTransaction, of id: JobID) throws(CatalogError) {
    guard let job = try transaction.job(id) else { return nil }
    node = job.node
    finishedAt = job.finishedAt ?? .never
    vps = try transaction.vps(job.vpsID)
    let standing = try transaction.standing(of: job.vpsID)
    let now = try standing.dataJobID.flatMap { id throws(CatalogError) in try transaction.job(id) }
    isUndecided =
      !job.state.isFinal || standing.unsettledJobID != nil
      || now.map { $0.task.changesDisks } == true
    let completed = try transaction.jobs(
      JobFilter(vpsID: job.vpsID, states: [.completed], limit: Limits.filterJobs)
    )
    let newest = completed.first { $0.task.changesDisks }
    isOver =
      job.state != .completed || vps?.serviceStatus == .terminated
      || newest.map { $0.id != id } == true
    others = try transaction.addresses(besidesThoseOf: job.vpsID)
  }
}

extension JobTask {
  fileprivate var changesDisks: Bool {
    switch kind {
    case .restore, .undo: true
    case .backup, .power: false
    }
  }
}
