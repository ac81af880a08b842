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
  private let memory = FilterMemory()

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
    do {
      let named = try await hypervisor.filterNames().compactMap { name in
        NetworkFilter.job(named: name).map { (name: name, job: $0) }
      }
      // Also where nothing filters, somebody must look whether a guest shows its own addresses again.
      let cut = try await catalog.read { try $0.cutLinkJobs() }
        .filter { job in !named.contains { $0.job == job } }
        .map { (name: NetworkFilter.name(of: $0), job: $0) }
      guard !named.isEmpty || !cut.isEmpty else { return }
      let registry = try await catalog.read { try AddressRegistry($0) }
      for filter in named { await tend(filter.name, of: filter.job, registry) }
      for filter in cut { await tend(filter.name, of: filter.job, registry, isNamed: false) }
    } catch {
      logger.warning("network filters not swept", metadata: ["error": "\(error)"])
    }
  }

  private func tend(
    _ name: String,
    of id: JobID,
    _ registry: AddressRegistry,
    isNamed: Bool = true
  ) async {
    do {
      // Another installation on this host may have filters too.
      guard let facts = try await catalog.read({ try FilterFacts($0, of: id, registry) }),
        facts.node == node
      else { return }
      // Nobody filters it, and it was plugged in since.
      guard isNamed || !facts.cut.isEmpty else { return }
      // Whoever exchanges disks starts the target anew, with a filter of its own making.
      guard !facts.isUndecided else { return memory.forget(name) }
      let now = clock.now()
      let domain: DomainDescription? =
        if let vps = facts.vps { try await domain(of: vps) } else { nil }
      guard let domain, let vps = facts.vps else {
        // Whoever has undefined it may be about to define it again.
        if memory.length(of: .missing(name), isSo: true, at: now) >= Limits.filterLateness {
          try await remove(name, facts, now)
        }
        return
      }
      _ = memory.length(of: .missing(name), isSo: false, at: now)
      var sight = FilterSight(name, id, facts, domain)
      let length = memory.length(of: .running(name), isSo: domain.state == .running, at: now)
      sight.isLong = length >= Limits.filterSettling
      let isAsked = sight.isActive && (!sight.isOver || sight.isCut)
      if isAsked { sight.verdict = await verdict(of: vps, facts) }
      try await make(sight.move, name, domain, facts, now)
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
    _ facts: FilterFacts,
    _ now: Timestamp
  ) async throws {
    switch move {
    case .keep: break
    case .renew:
      guard let filter = facts.filter, memory.isNew(filter) else { return }
      try await hypervisor.defineFilter(filter)
      memory.note(filter)
    case .liftFromDefinition: try await lift(name, of: domain, in: [.definition])
    // The definition first: a card that can't be changed while it runs has its end with it.
    case .lift: try await lift(name, of: domain, in: [.definition, .live])
    case .cutLinks: try await cutLinks(of: domain, facts)
    case .raiseLinks: try await raiseLinks(of: domain, facts)
    case .remove: try await remove(name, facts, now)
    }
  }

  private func remove(
    _ name: String,
    _ facts: FilterFacts,
    _ now: Timestamp
  ) async throws(HypervisorError) {
    // A libvirt that hung may still put it into the definition, which nothing could be started of then.
    guard now >= facts.finishedAt.advanced(by: Limits.filterLateness) else { return }
    if try await hypervisor.removeFilter(named: name) {
      memory.forget(name)
      logger.info("network filter removed", metadata: ["filter": "\(name)"])
    }
  }

  private func lift(
    _ name: String,
    of domain: DomainDescription,
    in forms: [DomainForm]
  ) async throws(HypervisorError) {
    let cards = domain.interfaces + domain.inactiveInterfaces
    let macs = Set(cards.filter { $0.filter == name }.map(\.mac)).sorted()
    for form in forms {
      for mac in macs {
        try await hypervisor.liftFilter(of: domain.reference, mac: mac, named: name, in: form)
      }
    }
    logger.info(
      "network filter lifted",
      metadata: ["filter": "\(name)", "forms": "\(forms.map(\.rawValue))"]
    )
  }

  private func cutLinks(of domain: DomainDescription, _ facts: FilterFacts) async throws {
    let linked = domain.linkedCards
    guard !linked.isEmpty else { return }
    try await catalog.write { try $0.noteCutLinks(linked, of: facts.target, by: facts.job) }
    logger.error(
      "target shows another VPS's address, setting its links down",
      metadata: ["domain": "\(domain.reference.name)"]
    )
    try await setLinks(linked, of: domain, up: false) { _ in }
  }

  /// Sets up what was set down.
  ///
  /// A filter is looked at in the next round, when the guest has had its links for a while.
  private func raiseLinks(of domain: DomainDescription, _ facts: FilterFacts) async throws {
    let (there, gone) = domain.parted(facts.cut)
    try await forget(gone, of: facts.target)
    logger.notice(
      "setting the target's links up again",
      metadata: ["domain": "\(domain.reference.name)"]
    )
    try await setLinks(there.map(\.mac), of: domain, up: true) { mac in
      try await forget(there.filter { $0.mac == mac }, of: facts.target)
    }
  }

  private func forget(_ links: [CutLink], of vps: VPSID) async throws {
    try await catalog.write { transaction in
      for link in links { try transaction.forget(link, of: vps) }
    }
  }

  /// Sets links, each as far as that goes: one card that can't be set keeps no other from it.
  private func setLinks(
    _ macs: [String],
    of domain: DomainDescription,
    up: Bool,
    _ isSet: (String) async throws -> Void
  ) async throws {
    var problem: HypervisorError?
    for mac in macs {
      do throws(HypervisorError) {
        try await hypervisor.setLink(of: domain.reference, mac: mac, up: up, persistently: true)
      } catch {
        problem = error
        continue
      }
      try await isSet(mac)
    }
    if let problem { throw problem }
  }
}

extension FilterSight {
  fileprivate init(
    _ name: String,
    _ id: JobID,
    _ facts: FilterFacts,
    _ domain: DomainDescription
  ) {
    let cards = domain.interfaces + domain.inactiveInterfaces
    let successor = facts.standing.map { NetworkFilter.name(of: $0) }
    // Another's disk without a filter of its own is better off behind this one than behind none.
    isOver =
      facts.standing != id
      && (successor == nil
        || cards.contains { $0.filter == successor }
          && !cards.contains { $0.filter == name && $0.takesFilter(in: .definition) })
    isCut = !facts.cut.isEmpty
    isCutForThis = facts.cut.contains { $0.jobID == id }
    isDiskGone = facts.isDiskGone
    isForgotten = facts.vps?.serviceStatus == .terminated
    isActive = domain.state.isActive
    isLive = isActive && domain.interfaces.contains { $0.filter == name }
    isDefined = domain.inactiveInterfaces.contains { $0.filter == name }
    hasSavedMemory = domain.hasManagedSave
  }
}
