import Hypervisor
import Model

extension NetworkFilter {
  /// What a VPS may send while nobody knows which addresses another's disk has brought.
  ///
  /// Where it asks DHCP, or listens to routers, its addresses can't be known before; then it may use all
  /// but those of other VPSs, that of the disk's first.
  static func firstBoot(
    of vps: VPS,
    in job: JobID,
    fromDiskOf source: VPS?,
    others: [String] = []
  ) -> NetworkFilter {
    let own = read(vps.network?.addresses ?? [])
    let version4 = passing(own.filter { $0.bytes.count == 4 }, of: vps.network, isAsked: true)
    let version6 = passing(own.filter { $0.bytes.count == 16 }, of: vps.network, isAsked: false)
    var barred: [IPAddress] = []
    var known = Set(own)
    for address in read(source?.network?.addresses ?? []) + read(others) {
      // A list lets nothing else pass anyway.
      let passing = address.bytes.count == 4 ? version4 : version6
      if passing == .all, known.insert(address).inserted { barred.append(address) }
    }
    return NetworkFilter(
      name: name(of: job),
      version4: version4,
      version6: version6,
      barred: Array(barred.prefix(Limits.filterAddresses))
    )
  }

  /// What a family may be sent from: a list where the network says all there is to it.
  private static func passing(
    _ addresses: [IPAddress],
    of network: NetworkConfiguration?,
    isAsked: Bool
  ) -> Passing {
    guard let network, !addresses.isEmpty, addresses.count <= Limits.filterAddresses,
      !(isAsked && network.ethernets.contains(where: \.dhcp4)), !network.hasOtherDevices
    else { return .all }
    return .only(addresses)
  }

  private static func read(_ texts: [String]) -> [IPAddress] {
    texts.compactMap { text in IPAddress(text.prefix { $0 != "/" }) }
  }
}

extension NetworkConfiguration {
  /// Whether more may have addresses than its Ethernet interfaces.
  fileprivate var hasOtherDevices: Bool {
    ["bonds", "bridges", "vlans", "tunnels", "vrfs"].contains(where: text.contains)
  }
}

extension DomainInterface {
  /// Whether it can be put behind a filter of ours; what its owner has put it behind stays.
  ///
  /// What a libvirt network is made of, a bridge or a device that can't be filtered, shows when it is
  /// started only; then a definition with a filter would keep the machine down.
  func takesFilter(in form: DomainForm) -> Bool {
    canBeFiltered && (filter == nil || filterOfOurs != nil)
      && (form == .live || type != "network")
  }
}
