import Model
import Operations

/// A VPS with everything that is kept of it: the fields of its list, and more.
struct VPSDetailsWire: Encodable {
  /// The network that is re-applied after each restore.
  struct Network: Encodable {
    /// One network card.
    struct Interface: Encodable {
      /// The name of its entry in the configuration; null for a card that has none.
      @NullWhenNil var name: String?
      /// Null when neither the configuration nor the machine tells it.
      @NullWhenNil var macAddress: String?
      let dhcp4: Bool
      let addresses: [String]

      init(name: String?, macAddress: String?, dhcp4: Bool, addresses: [String]) {
        self.dhcp4 = dhcp4
        self.addresses = addresses
        self.name = name
        self.macAddress = macAddress
      }
    }

    /// Whether an operator gave a configuration; else every card asks DHCP.
    let isConfigured: Bool
    let interfaces: [Interface]

    init(_ vps: VPS) {
      let cards = vps.observation?.macAddresses ?? []
      isConfigured = vps.network != nil
      interfaces =
        vps.network.map { Self.configured($0, cards) }
        ?? cards.map { Interface(name: nil, macAddress: $0, dhcp4: true, addresses: []) }
    }

    /// An entry that names no card is for the one at its place, as it is rendered for the guest.
    private static func configured(
      _ network: NetworkConfiguration,
      _ cards: [String]
    ) -> [Interface] {
      network.ethernets.enumerated().map { place, entry in
        Interface(
          name: entry.setName ?? entry.id,
          macAddress: entry.macAddress ?? (cards.indices.contains(place) ? cards[place] : nil),
          dhcp4: entry.dhcp4,
          addresses: entry.addresses
        )
      }
    }
  }

  private enum CodingKeys: CodingKey {
    case hostname, createdAt, network
  }

  let vps: VPSWire
  let hostname: String
  let createdAt: String
  let network: Network

  init(_ view: VPSView) {
    vps = VPSWire(view)
    hostname = view.vps.hostname
    createdAt = view.vps.createdAt.text
    network = Network(view.vps)
  }

  func encode(to encoder: any Encoder) throws {
    try vps.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(hostname, forKey: .hostname)
    try container.encode(createdAt, forKey: .createdAt)
    try container.encode(network, forKey: .network)
  }
}
