import CLibvirt
import Glibc

extension Connection {
  /// Finds a domain by its name.
  package func domain(named name: String) throws(LibvirtError) -> Domain {
    unsafe Domain(
      owning: try unsafe LibvirtError.check(
        virDomainLookupByName(pointer, name),
        "virDomainLookupByName"
      )
    )
  }

  /// Finds a domain by its UUID in text form.
  package func domain(uuid: String) throws(LibvirtError) -> Domain {
    unsafe Domain(
      owning: try unsafe LibvirtError.check(
        virDomainLookupByUUIDString(pointer, uuid),
        "virDomainLookupByUUIDString"
      )
    )
  }

  /// All domains, running or not.
  package func domains() throws(LibvirtError) -> [Domain] {
    var list: UnsafeMutablePointer<virDomainPtr?>?
    let count = try unsafe LibvirtError.check(
      virConnectListAllDomains(pointer, &list, 0),
      "virConnectListAllDomains"
    )
    guard let list = unsafe list else { return [] }
    defer { unsafe free(list) }
    var domains: [Domain] = []
    for index in 0..<Int(count) {
      if let domain = unsafe list[index] { unsafe domains.append(Domain(owning: domain)) }
    }
    return domains
  }

  /// Adds a domain's persistent definition, or replaces the one with the same UUID.
  @discardableResult
  package func define(xml: String) throws(LibvirtError) -> Domain {
    unsafe Domain(
      owning: try unsafe LibvirtError.check(
        virDomainDefineXMLFlags(pointer, xml, 0),
        "virDomainDefineXML"
      )
    )
  }
}
