import Libvirt

extension LibvirtHypervisor {
  package func startPaused(_ reference: DomainReference) async throws(HypervisorError) {
    try await call("start", domain: reference, within: CallLimits.start) {
      domain throws(LibvirtError) in
      try domain.startForcingBoot(isPaused: true)
    }
  }

  package func defineFilter(_ filter: NetworkFilter) async throws(HypervisorError) {
    try await call("define filter") { connection throws(LibvirtError) in
      // libvirt takes a name that it knows only with the UUID that it knows.
      let uuid = try connection.filterUUID(named: filter.name)
      try connection.defineFilter(xml: filter.xml(uuid: uuid))
    }
  }

  package func setFilter(
    of reference: DomainReference,
    mac: String,
    named name: String,
    in form: DomainForm
  ) async throws(HypervisorError) {
    let read = try await call("read", domain: reference) { domain throws(LibvirtError) in
      try domain.xml(form.xmlOptions)
    }
    let device = try interface(mac, in: read, filter: name)
    try await call("set filter", domain: reference) { domain throws(LibvirtError) in
      try domain.updateDevice(xml: device, affecting: form.affected)
    }
  }

  package func liftFilter(
    of reference: DomainReference,
    mac: String,
    named name: String,
    in form: DomainForm
  ) async throws(HypervisorError) {
    let operation = "lift filter"
    let read = try await call("read", domain: reference) { domain throws(LibvirtError) in
      if form == .live, try !domain.isActive() { return nil as String? }
      return try domain.xml(form.xmlOptions)
    }
    guard let read else { return }
    let cards = try DomainXML.parse(live: nil, inactive: read).interfaces
    guard cards.contains(where: { $0.mac == mac.lowercased() && $0.filter == name }) else { return }
    let device = try interface(mac, in: read, filter: nil)
    let isLifted = try await call(operation, domain: reference) { domain throws(LibvirtError) in
      // By now it may be behind another, which another start needs.
      guard try domain.xml(form.xmlOptions) == read else { return false }
      try domain.updateDevice(xml: device, affecting: form.affected)
      return true
    }
    guard isLifted else {
      throw .refused(operation: operation, message: "the domain was changed meanwhile")
    }
  }

  private func interface(
    _ mac: String,
    in xml: String,
    filter: String?
  ) throws(HypervisorError) -> String {
    guard let device = try DomainXML.interfaceXML(in: xml, mac: mac, filter: filter) else {
      throw .refused(operation: "set filter", message: "no network card has the address \(mac)")
    }
    return device
  }

  @discardableResult
  package func removeFilter(named name: String) async throws(HypervisorError) -> Bool {
    try await call("remove filter") { connection throws(LibvirtError) in
      try connection.removeFilter(named: name)
    }
  }

  package func filterNames() async throws(HypervisorError) -> [String] {
    try await call("filters") { connection throws(LibvirtError) in
      do throws(LibvirtError) {
        return try connection.filterNames()
      } catch {
        // Sessions of users have none.
        guard error.code == .noSupport else { throw error }
        return []
      }
    }
  }
}

extension DomainForm {
  fileprivate var xmlOptions: Domain.XMLOptions {
    switch self {
    case .live: .secure
    case .definition: [.inactive, .secure]
    }
  }

  fileprivate var affected: Domain.Affects {
    switch self {
    case .live: .live
    case .definition: .config
    }
  }
}
