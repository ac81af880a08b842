package import Hypervisor

// MARK: - Filters

extension SimulatedHypervisor {
  package func defineFilter(_ filter: NetworkFilter) async throws(HypervisorError) {
    try await perform(Call(.defineFilter, detail: filter.name)) {
      self.filters[filter.name] = filter
    }
  }

  package func setFilter(
    of reference: DomainReference,
    mac: String,
    named name: String,
    in form: DomainForm
  ) async throws(HypervisorError) {
    let detail = "\(mac) \(name) \(form)"
    try await perform(.setFilter, reference, detail) { machine throws(HypervisorError) in
      guard form == .definition || machine.description.state.isActive else {
        throw .refused(operation: "set filter", message: "domain is not running")
      }
      // libvirt looks for those of a definition at the start.
      if form == .live, self.filters[name] == nil {
        throw .refused(operation: "set filter", message: "there is no filter \(name)")
      }
      machine.changeCards(of: form) { $0.mac == mac.lowercased() ? $0.behind(name) : $0 }
    }
  }

  package func liftFilter(
    of reference: DomainReference,
    mac: String,
    named name: String,
    in form: DomainForm
  ) async throws(HypervisorError) {
    let detail = "\(mac) \(name) \(form)"
    try await perform(.liftFilter, reference, detail) { machine in
      machine.changeCards(of: form) { card in
        card.mac == mac.lowercased() && card.filter == name ? card.behind(nil) : card
      }
    }
  }

  @discardableResult
  package func removeFilter(named name: String) async throws(HypervisorError) -> Bool {
    try await perform(Call(.removeFilter, detail: name)) {
      let isUsed = self.machines.contains { machine in
        machine.description.state.isActive
          && machine.description.interfaces.contains { $0.filter == name }
      }
      if !isUsed { self.filters[name] = nil }
      return !isUsed
    }
  }

  /// Loses all filters, as if somebody had removed them.
  package func forgetFilters() { filters = [:] }

  package func filterNames() async throws(HypervisorError) -> [String] {
    try await perform(Call(.filterNames)) { self.filters.keys.sorted() }
  }
}

extension SimulatedHypervisor.Machine {
  mutating func changeCards(
    of form: DomainForm,
    _ change: (DomainInterface) -> DomainInterface
  ) {
    if form == .definition {
      description.definition.inactiveInterfaces = description.inactiveInterfaces.map(change)
    }
    // Of one that doesn't run both forms are the same.
    if (form == .live) == description.state.isActive {
      description.definition.interfaces = description.interfaces.map(change)
    }
  }
}

extension DomainInterface {
  fileprivate func behind(_ name: String?) -> DomainInterface { with(linkUp: linkUp, filter: name) }

  func linked(_ isUp: Bool) -> DomainInterface { with(linkUp: isUp, filter: filter) }

  private func with(linkUp: Bool, filter: String?) -> DomainInterface {
    DomainInterface(
      mac: mac,
      type: type,
      source: source,
      linkUp: linkUp,
      filter: filter,
      xml: xml
    )
  }
}
