import Model
import Yams

/// A VPS's network as cloud-init reads it: version 2, every interface found by its MAC address.
///
/// What the operator wrote beside that (routes, name servers, bonds, MTUs) is passed on as it is.
struct NetworkRendering {
  /// The text of `network-config`.
  let text: String

  /// YAML aliases can make a small text huge; no real configuration comes near this.
  private static let mostNodes = 20_000
  /// Linux's bound for an interface's name.
  private static let longestName = 15

  /// Renders `configuration`, or DHCP everywhere if there is none.
  init(_ configuration: NetworkConfiguration?, macAddresses: [String]) throws(SeedFault) {
    let present = try macAddresses.map { address throws(SeedFault) in
      guard let normal = Self.normalized(address) else { throw SeedFault.badMACAddress(address) }
      return normal
    }
    let node: Node
    if let configuration {
      let owners = try Self.owners(configuration.ethernets, present)
      node = try Self.rendered(configuration, owners)
    } else {
      node = Self.dynamic(present)
    }
    do {
      text = try Yams.serialize(node: node)
    } catch {
      throw .badNetwork("\(error)")
    }
  }

  // MARK: - Which interface is which

  /// The MAC address of each entry: the one it names, else the next that nobody names.
  private static func owners(
    _ ethernets: [NetworkConfiguration.Ethernet],
    _ present: [String]
  ) throws(SeedFault) -> [String: String] {
    var owners: [String: String] = [:]
    for ethernet in ethernets {
      guard let named = ethernet.macAddress else { continue }
      guard let normal = normalized(named) else { throw .badMACAddress(named) }
      guard present.contains(normal), !owners.values.contains(normal) else {
        throw .interfaceMissing(id: ethernet.id, macAddress: normal)
      }
      owners[ethernet.id] = normal
    }
    var free = present.filter { !owners.values.contains($0) }[...]
    for ethernet in ethernets where ethernet.macAddress == nil {
      guard let next = free.popFirst() else {
        throw .tooFewInterfaces(needed: ethernets.count, present: present.count)
      }
      owners[ethernet.id] = next
    }
    return owners
  }

  private static func normalized(_ address: String) -> String? {
    let parts = address.lowercased().split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 6,
      parts.allSatisfy({ $0.utf8.count == 2 && $0.allSatisfy { $0.isASCII && $0.isHexDigit } })
    else { return nil }
    return parts.joined(separator: ":")
  }

  // MARK: - Rendering

  private static func rendered(
    _ configuration: NetworkConfiguration,
    _ owners: [String: String]
  ) throws(SeedFault) -> Node {
    var network = try parsed(configuration.text)
    guard let entries = network["ethernets"]?.mapping else {
      throw .badNetwork("there is no mapping `ethernets`")
    }
    var left = mostNodes
    guard isBounded(network, &left) else { throw .badNetwork("the text has too many parts") }
    var ethernets = entries
    for (key, value) in entries {
      guard let id = key.string, let owner = owners[id], var fields = value.mapping else {
        throw .badNetwork("`ethernets` has an entry that can't be read")
      }
      if fields["set-name"] == nil, let name = ownName(id, fields) {
        fields["set-name"] = quoted(name)
      }
      // In the text's own words an entry without `match` is the interface of that name.
      fields["match"] = matching(owner)
      if fields["dhcp-identifier"] == nil { fields["dhcp-identifier"] = "mac" }
      ethernets[key] = .mapping(fields)
    }
    network["ethernets"] = .mapping(ethernets)
    return network
  }

  /// The part below `network:`, which cloud-init doesn't expect in a seed.
  private static func parsed(_ text: String) throws(SeedFault) -> Node {
    let root: Node?
    do throws(BoundedYAML.Fault) {
      root = try BoundedYAML.compose(text)
    } catch {
      throw .badNetwork(error.sentence)
    }
    guard let root else { throw .badNetwork("the text is empty") }
    return root["network"] ?? root
  }

  private static func ownName(_ id: String, _ fields: Node.Mapping) -> String? {
    let isName = (1...longestName).contains(id.utf8.count) && id.utf8.allSatisfy(\.isLetterOrDigit)
    return fields["match"] == nil && isName ? id : nil
  }

  /// DHCP on every interface, named in the classic way.
  private static func dynamic(_ present: [String]) -> Node {
    let ethernets = present.enumerated().map { index, address in
      let fields: [(Node, Node)] = [
        ("match", matching(address)), ("set-name", quoted("eth\(index)")),
        ("dhcp4", Node("true", Tag(.bool))), ("dhcp-identifier", "mac"),
      ]
      return (Node("eth\(index)"), Node(fields))
    }
    let network: [(Node, Node)] = [
      ("version", Node("2", Tag(.int))), ("ethernets", Node(ethernets)),
    ]
    return Node(network)
  }

  private static func matching(_ address: String) -> Node {
    let fields: [(Node, Node)] = [("macaddress", quoted(address))]
    return Node(fields)
  }

  /// Without quotes a MAC address of digits only is a number to base 60 for cloud-init's YAML.
  private static func quoted(_ text: String) -> Node {
    Node(text, Tag(.str), .doubleQuoted)
  }

  private static func isBounded(_ node: Node, _ left: inout Int) -> Bool {
    left -= 1
    guard left > 0 else { return false }
    switch node {
    case .mapping(let mapping):
      for (key, value) in mapping {
        guard isBounded(key, &left), isBounded(value, &left) else { return false }
      }
    case .sequence(let sequence):
      for value in sequence { guard isBounded(value, &left) else { return false } }
    case .scalar, .alias:
      break
    }
    return true
  }
}
