import Yams

/// Why a text isn't a network configuration.
package enum NetworkConfigurationFault: Error, Equatable, Sendable {
  case tooLong
  case notYAML(String)
  case notVersion2
  case badField(String)
}

/// A VPS's network: netplan version 2 in its text form, and what Rehome needs to know of it.
package struct NetworkConfiguration: Sendable, Equatable {
  /// One Ethernet interface.
  package struct Ethernet: Sendable, Equatable {
    /// The name of its entry.
    package var id: String
    /// The MAC address it is matched by; nil: by its place.
    package var macAddress: String?
    /// The name it gets in the guest; nil: it keeps its own.
    package var setName: String?
    /// Whether it asks DHCP for IPv4 addresses.
    package var dhcp4: Bool
    /// Its fixed addresses with prefix length.
    package var addresses: [String]
  }

  /// The text as the operator gave it.
  package let text: String
  /// Its Ethernet interfaces in the order of the text.
  package let ethernets: [Ethernet]

  /// All fixed addresses with prefix length.
  package var addresses: [String] { ethernets.flatMap(\.addresses) }

  /// The first fixed address, by which its VPS can be found; nil when there is none, or when it
  /// isn't an address.
  package var primaryAddress: IPAddress? {
    addresses.first.flatMap { IPAddress($0.prefix { $0 != "/" }) }
  }

  /// Reads netplan version 2, with or without the outer `network:`.
  package init(text: String) throws(NetworkConfigurationFault) {
    guard text.utf8.count <= Limits.networkBytes else { throw .tooLong }
    let root = try Self.mapping(of: text)
    let network = root["network"]?.mapping ?? root
    guard network["version"]?.int == 2 else { throw .notVersion2 }
    guard let entries = network["ethernets"]?.mapping, !entries.isEmpty else {
      throw .badField("ethernets")
    }
    var ethernets: [Ethernet] = []
    for (key, value) in entries {
      ethernets.append(try Self.ethernet(id: key.string ?? "", value))
    }
    self.ethernets = ethernets
    self.text = text
  }

  private static func mapping(
    of text: String
  ) throws(NetworkConfigurationFault) -> Node.Mapping {
    let node: Node?
    do throws(BoundedYAML.Fault) {
      node = try BoundedYAML.compose(text)
    } catch {
      throw .notYAML(error.sentence)
    }
    guard let mapping = node?.mapping else { throw .notYAML("the text isn't a mapping") }
    return mapping
  }

  private static func ethernet(
    id: String,
    _ node: Node
  ) throws(NetworkConfigurationFault) -> Ethernet {
    guard !id.isEmpty, let fields = node.mapping else { throw .badField("ethernets") }
    let addresses = fields["addresses"]?.sequence.map { Array($0) } ?? []
    return Ethernet(
      id: id,
      macAddress: fields["match"]?.mapping?["macaddress"]?.string?.lowercased(),
      setName: fields["set-name"]?.string,
      dhcp4: fields["dhcp4"]?.bool ?? false,
      addresses: try addresses.map { address throws(NetworkConfigurationFault) in
        guard let text = address.string ?? address.mapping?.keys.first?.string,
          text.contains("/")
        else { throw .badField("ethernets.\(id).addresses") }
        return text
      }
    )
  }
}

extension NetworkConfiguration: Codable {
  package init(from decoder: any Decoder) throws {
    try self.init(text: decoder.singleValueContainer().decode(String.self))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}
