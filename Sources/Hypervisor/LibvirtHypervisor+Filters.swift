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
    named name: String?
  ) async throws(HypervisorError) {
    let live = try await call("read", domain: reference) { domain throws(LibvirtError) in
      try domain.xml(.secure)
    }
    guard let device = try DomainXML.interfaceXML(in: live, mac: mac, filter: name) else {
      throw .refused(operation: "set filter", message: "no network card has the address \(mac)")
    }
    try await call("set filter", domain: reference) { domain throws(LibvirtError) in
      try domain.updateDevice(xml: device, affecting: .live)
    }
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
