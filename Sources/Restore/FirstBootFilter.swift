import Hypervisor
import Model

extension NetworkFilter {
  /// What the names of our filters begin with; the VPS follows.
  static let namePrefix = "rehome-"

  /// What a VPS may send while nobody knows which addresses another's disk has brought.
  ///
  /// Where it asks DHCP, or listens to routers, its addresses can't be known before; then it may use all
  /// but those of the VPS that the disk comes from.
  static func firstBoot(of vps: VPS, fromDiskOf source: VPS?) -> NetworkFilter {
    let own = addresses(of: vps.network)
    let asksDHCP = vps.network.map { $0.ethernets.contains(where: \.dhcp4) } ?? true
    let isListed = own.count <= Limits.filterAddresses
    let version4 = own.filter { $0.bytes.count == 4 }
    let version6 = own.filter { $0.bytes.count == 16 }
    return NetworkFilter(
      name: namePrefix + vps.id.text,
      version4: asksDHCP || !isListed ? .all : .only(version4),
      version6: version6.isEmpty || !isListed ? .all : .only(version6),
      barred: Array(
        addresses(of: source?.network).filter { !own.contains($0) }.prefix(Limits.filterAddresses)
      )
    )
  }

  private static func addresses(of network: NetworkConfiguration?) -> [IPAddress] {
    (network?.addresses ?? []).compactMap { text in IPAddress(text.prefix { $0 != "/" }) }
  }
}

extension DomainInterface {
  /// Whether it can be put behind a filter of ours; what its owner has put it behind stays.
  func takes(_ filter: NetworkFilter) -> Bool {
    canBeFiltered && (self.filter == nil || self.filter == filter.name)
  }
}
