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
    named name: String?
  ) async throws(HypervisorError) {
    let detail = "\(mac) \(name ?? "none")"
    try await perform(.setFilter, reference, detail) { machine throws(HypervisorError) in
      guard machine.description.state.isActive else {
        throw .refused(operation: "set filter", message: "domain is not running")
      }
      if let name, self.filters[name] == nil {
        throw .refused(operation: "set filter", message: "there is no filter \(name)")
      }
      machine.description.definition.interfaces = machine.description.interfaces.map { card in
        guard card.mac == mac.lowercased() else { return card }
        return DomainInterface(
          mac: card.mac,
          type: card.type,
          source: card.source,
          linkUp: card.linkUp,
          filter: name,
          xml: card.xml
        )
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

  package func filterNames() async throws(HypervisorError) -> [String] {
    try await perform(Call(.filterNames)) { self.filters.keys.sorted() }
  }
}
