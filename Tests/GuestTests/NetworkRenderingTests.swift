import Guest
import Model
import Testing
import Yams

@Suite struct NetworkRenderingTests {
  private static let one = "52:54:00:11:22:33"
  private static let two = "52:54:00:44:55:06"

  private static func rendered(_ text: String?, _ macAddresses: [String]) throws -> Node {
    let network = try text.map { text throws(NetworkConfigurationFault) in
      try NetworkConfiguration(text: text)
    }
    let seed = try Seed(
      instanceID: "i",
      hostname: "h",
      network: network,
      macAddresses: macAddresses,
      userData: nil
    )
    return try #require(try Yams.compose(yaml: seed.networkConfig))
  }

  private static func mac(_ node: Node, _ id: String) -> String? {
    node["ethernets"]?[id]?["match"]?["macaddress"]?.string
  }

  @Test func `Without a configuration every interface asks DHCP`() throws {
    let node = try Self.rendered(nil, [Self.one, Self.two])
    #expect(node["version"]?.int == 2)
    for (id, address) in [("eth0", Self.one), ("eth1", Self.two)] {
      let entry = try #require(node["ethernets"]?[id])
      #expect(Self.mac(node, id) == address)
      #expect(entry["set-name"]?.string == id)
      #expect(entry["dhcp4"]?.bool == true)
      #expect(entry["dhcp-identifier"]?.string == "mac")
    }
  }

  @Test func `A VPS without interfaces gets an empty network`() throws {
    let node = try Self.rendered(nil, [])
    #expect(node["ethernets"]?.mapping?.isEmpty == true)
  }

  @Test func `What the operator wrote stays, the outer key goes`() throws {
    let node = try Self.rendered(
      """
      network:
        version: 2
        renderer: networkd
        ethernets:
          wan:
            match: { macaddress: "52:54:00:11:22:33", name: "en*" }
            set-name: eth7
            addresses: [192.0.2.7/24, "2001:db8::7/64": {label: x}]
            routes: [{to: default, via: 192.0.2.1, on-link: true}]
            nameservers: {addresses: [192.0.2.53], search: [example.org]}
            mtu: 1400
        vlans:
          v5: {id: 5, link: wan, addresses: [198.51.100.1/24]}
      """,
      [Self.one]
    )
    #expect(node["network"] == nil)
    let wan = try #require(node["ethernets"]?["wan"])
    #expect(Self.mac(node, "wan") == Self.one)
    #expect(wan["match"]?.mapping?.count == 1)
    #expect(wan["set-name"]?.string == "eth7")
    #expect(wan["dhcp-identifier"]?.string == "mac")
    #expect(wan["addresses"]?[0]?.string == "192.0.2.7/24")
    #expect(wan["addresses"]?[1]?["2001:db8::7/64"]?["label"]?.string == "x")
    #expect(wan["routes"]?[0]?["on-link"]?.bool == true)
    #expect(wan["nameservers"]?["search"]?[0]?.string == "example.org")
    #expect(wan["mtu"]?.int == 1400)
    #expect(node["renderer"]?.string == "networkd")
    #expect(node["vlans"]?["v5"]?["id"]?.int == 5)
  }

  @Test func `An entry without match is the interface of its name, found by its place`() throws {
    let node = try Self.rendered(
      "version: 2\nethernets: {ens3: {dhcp4: true, dhcp-identifier: duid}, eth1: {dhcp4: true}}",
      [Self.one, Self.two]
    )
    #expect(Self.mac(node, "ens3") == Self.one)
    #expect(node["ethernets"]?["ens3"]?["set-name"]?.string == "ens3")
    #expect(node["ethernets"]?["ens3"]?["dhcp-identifier"]?.string == "duid")
    #expect(Self.mac(node, "eth1") == Self.two)
  }

  @Test func `An entry that names its address has it, the others share the rest in order`() throws {
    let node = try Self.rendered(
      """
      version: 2
      ethernets:
        a: {dhcp4: true}
        b: {match: {macaddress: "52:54:00:11:22:33"}, addresses: [192.0.2.1/24]}
      """,
      [Self.one.uppercased(), Self.two]
    )
    #expect(Self.mac(node, "a") == Self.two)
    #expect(Self.mac(node, "b") == Self.one)
  }

  @Test func `A MAC address is a text for every reader of YAML`() throws {
    // Digits below 60 between colons are one number to base 60 in YAML 1.1.
    let seed = try Seed(
      instanceID: "i",
      hostname: "h",
      network: nil,
      macAddresses: [Self.one],
      userData: nil
    )
    #expect(seed.networkConfig.contains("\"\(Self.one)\""))
  }

  @Test func `What doesn't fit the VPS's interfaces is refused`() {
    #expect(throws: SeedFault.tooFewInterfaces(needed: 2, present: 1)) {
      try Self.rendered("version: 2\nethernets: {a: {dhcp4: true}, b: {dhcp4: true}}", [Self.one])
    }
    #expect(throws: SeedFault.interfaceMissing(id: "a", macAddress: Self.two)) {
      try Self.rendered(
        "version: 2\nethernets: {a: {match: {macaddress: '\(Self.two)'}}}",
        [Self.one]
      )
    }
    #expect(throws: SeedFault.interfaceMissing(id: "b", macAddress: Self.one)) {
      try Self.rendered(
        """
        version: 2
        ethernets:
          a: {match: {macaddress: '\(Self.one)'}}
          b: {match: {macaddress: '\(Self.one)'}}
        """,
        [Self.one, Self.two]
      )
    }
    #expect(throws: SeedFault.badMACAddress("52:54:00:aa:00")) {
      try Self.rendered(nil, ["52:54:00:aa:00"])
    }
  }

  @Test func `A small text that unfolds into a huge one is refused`() {
    var text = "version: 2\nx0: &x0 [a, a, a, a, a, a, a, a, a]\n"
    for level in 1...9 {
      let last = "*x\(level - 1)"
      text +=
        "x\(level): &x\(level) [\(Array(repeating: last, count: 9).joined(separator: ", "))]\n"
    }
    text += "ethernets: {a: {dhcp4: true}}\n"
    for text in [text, text + "? *x9\n: 1\n", text + "y: {*x9 : 1}\n"] {
      #expect(
        throws: NetworkConfigurationFault.notYAML("with its aliases it has too many parts")
      ) {
        try Self.rendered(text, [Self.one])
      }
    }
  }

  @Test func `A text of more parts than any network is refused`() {
    let parts = Array(repeating: "a", count: 20_000).joined(separator: ",")
    let text = "version: 2\nethernets: {a: {dhcp4: true}}\nx: [\(parts)]\n"
    #expect(throws: SeedFault.badNetwork("the text has too many parts")) {
      try Self.rendered(text, [Self.one])
    }
  }
}
