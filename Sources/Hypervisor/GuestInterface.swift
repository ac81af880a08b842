/// A network card as the guest's own agent tells it; a hostile guest can say anything here.
package struct GuestInterface: Sendable, Equatable {
  /// The card's name inside the guest.
  package let name: String
  /// The hardware address, in lowercase; nil for those without.
  package let mac: String?
  /// Addresses with their prefix length, such as `10.0.0.1/24`.
  package let addresses: [String]

  /// Makes a card from its parts.
  package init(name: String, mac: String?, addresses: [String]) {
    self.name = name
    self.mac = mac?.lowercased()
    self.addresses = addresses
  }
}

/// Whether a guest's file systems take writes.
package enum FreezeStatus: String, Sendable, Equatable {
  case thawed
  case frozen
}

/// Who is asked to shut a guest down.
package enum ShutdownWay: String, Sendable, Codable {
  /// The guest agent.
  case agent
  /// The guest's kernel, by the power button.
  case acpi
}
