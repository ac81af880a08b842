package import Model

/// What a network card may send: its own MAC, and from these addresses only.
///
/// What it receives isn't filtered.
package struct NetworkFilter: Sendable, Equatable {
  /// What may be sent in one family of addresses.
  package enum Passing: Sendable, Equatable {
    /// From any address, but those that are barred.
    case all
    /// From these addresses only, and those that everybody has.
    case only([IPAddress])
  }

  /// The name under which libvirt knows it.
  package let name: String
  /// What IPv4 and ARP may be sent from.
  package let version4: Passing
  /// What IPv6 may be sent from.
  package let version6: Passing
  /// Addresses that are never sent from.
  package let barred: [IPAddress]

  /// Makes a filter.
  package init(name: String, version4: Passing, version6: Passing, barred: [IPAddress]) {
    self.name = name
    self.version4 = version4
    self.version6 = version6
    self.barred = barred
  }

  /// The filter as libvirt takes it; rules of a lower priority come first.
  ///
  /// All rules are such that ebtables checks them, frame by frame: those that know connections would let
  /// pass what has begun before.
  func xml(uuid: String?) -> String {
    var rules = [
      Self.rule("drop", -500, "<mac match='no' srcmacaddr='$MAC'/>")
    ]
    for address in barred { rules += Self.rules("drop", -450, address) }
    rules += Self.rules(version4, unset: .unset4, ["arp", "ip"])
    if case .only = version6 {
      rules.append(Self.rule("accept", -400, "<ipv6 srcipaddr='fe80::' srcipmask='10'/>"))
    }
    rules += Self.rules(version6, unset: .unset6, ["ipv6"])
    // Whatever has another tag, VLANs for one, hides an address.
    rules.append(Self.rule("drop", -200, "<mac/>"))
    let identity = uuid.map { "<uuid>\($0.xmlEscaped)</uuid>" } ?? ""
    return "<filter name='\(name.xmlEscaped)' chain='root'>\(identity)\(rules.joined())</filter>"
  }

  /// The rules of one family.
  private static func rules(
    _ passing: Passing,
    unset: IPAddress,
    _ protocols: [String]
  ) -> [String] {
    switch passing {
    case .all: protocols.map { rule("accept", -300, "<\($0)/>") }
    case .only(let addresses): (addresses + [unset]).flatMap { rules("accept", -400, $0) }
    }
  }

  private static func rules(_ action: String, _ priority: Int, _ address: IPAddress) -> [String] {
    let text = address.text
    guard address.bytes.count == 4 else {
      return [rule(action, priority, "<ipv6 srcipaddr='\(text)' srcipmask='128'/>")]
    }
    return [
      rule(action, priority, "<arp arpsrcipaddr='\(text)'/>"),
      rule(action, priority, "<ip srcipaddr='\(text)' srcipmask='32'/>"),
    ]
  }

  private static func rule(_ action: String, _ priority: Int, _ what: String) -> String {
    "<rule action='\(action)' direction='out' priority='\(priority)'>\(what)</rule>"
  }
}

extension IPAddress {
  /// What a machine sends from that has no address yet: it asks for one, or whether it is free.
  fileprivate static let unset4 = IPAddress(verified: [0, 0, 0, 0])
  fileprivate static let unset6 = IPAddress(verified: [UInt8](repeating: 0, count: 16))
}
