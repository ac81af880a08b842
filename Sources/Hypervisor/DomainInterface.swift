/// One network card of a domain, as its XML describes it.
package struct DomainInterface: Sendable, Equatable {
  /// The hardware address, in lowercase.
  package let mac: String
  /// How it is connected, such as `bridge`, `network` or `user`.
  package let type: String
  /// The bridge, network or device that it is connected to.
  package let source: String?
  /// Whether the cable is plugged in.
  package let linkUp: Bool
  /// The network filter that it is behind; nil: none.
  package let filter: String?
  /// The element's own XML, for device calls.
  package let xml: String

  /// Makes a card from its parts.
  package init(
    mac: String,
    type: String,
    source: String? = nil,
    linkUp: Bool = true,
    filter: String? = nil,
    xml: String = ""
  ) {
    self.mac = mac.lowercased()
    self.type = type
    self.source = source
    self.linkUp = linkUp
    self.filter = filter
    self.xml = xml
  }

  /// Whether libvirt can filter what it sends: where it makes the card's other end itself.
  package var canBeFiltered: Bool { ["bridge", "network", "ethernet"].contains(type) }

  /// Whether the running and the defined form of a card name the same thing.
  func agrees(with other: DomainInterface) -> Bool {
    mac == other.mac && type == other.type && source == other.source
  }
}
