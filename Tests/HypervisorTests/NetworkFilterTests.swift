import Model
import Testing

@testable import Hypervisor

struct NetworkFilterTests {
  private func addresses(_ texts: String...) -> [IPAddress] { texts.compactMap { IPAddress($0) } }

  @Test func `what is barred comes first, then what may pass, then nothing else`() throws {
    let filter = NetworkFilter(
      name: "rehome-<x>",
      version4: .only(addresses("192.0.2.7")),
      version6: .all,
      barred: addresses("192.0.2.50", "2001:db8::50")
    )
    let tree = try XMLTree(parsing: filter.xml(uuid: "u"), root: "filter")
    #expect(tree.attributes == ["name": "rehome-<x>", "chain": "root"])
    #expect(tree.text(of: "uuid") == "u")
    let rules = tree.elements("rule").map { rule in
      let what = rule.children[0]
      let value = what.attributes.filter { $0.key != "srcipmask" && $0.key != "match" }.values.first
      return "\(rule.attributes["priority"] ?? "") \(rule.attributes["action"] ?? "") \(what.name) "
        + (value ?? "-")
    }
    #expect(
      rules == [
        "-500 drop mac $MAC",
        "-450 drop arp 192.0.2.50", "-450 drop ip 192.0.2.50",
        "-450 drop ipv6 2001:db8:0:0:0:0:0:50",
        "-400 accept arp 192.0.2.7", "-400 accept ip 192.0.2.7",
        "-400 accept arp 0.0.0.0", "-400 accept ip 0.0.0.0",
        "-300 accept ipv6 -", "-200 drop mac -",
      ]
    )
    #expect(tree.elements("rule").allSatisfy { $0.attributes["direction"] == "out" })
  }

  @Test func `a list of IPv6 addresses leaves a machine its own link`() throws {
    let filter = NetworkFilter(
      name: "x",
      version4: .all,
      version6: .only(addresses("2001:db8::7")),
      barred: []
    )
    let rules = try XMLTree(parsing: filter.xml(uuid: nil), root: "filter").elements("rule")
    #expect(
      rules.map { $0.children[0].name } == ["mac", "arp", "ip", "ipv6", "ipv6", "ipv6", "mac"]
    )
    #expect(
      rules.compactMap { $0.children[0].attributes["srcipaddr"] }
        == ["fe80::", "2001:db8:0:0:0:0:0:7", "0:0:0:0:0:0:0:0"]
    )
  }

  @Test func `a card is put behind a filter, behind another, and behind none`() throws {
    let card = "<mac address='52:54:00:00:00:01'/><source bridge='br0'/>"
    func domain(_ more: String) -> String {
      "<domain><devices><interface type='bridge'>\(card)\(more)</interface></devices></domain>"
    }
    func filter(_ more: String, _ name: String?) throws -> String? {
      let xml = try #require(
        try DomainXML.interfaceXML(in: domain(more), mac: "52:54:00:00:00:01", filter: name)
      )
      let tree = try XMLTree(parsing: xml, root: "interface")
      #expect(tree.child("source")?.attributes["bridge"] == "br0")
      return tree.child("filterref")?.attributes["filter"]
    }
    #expect(try filter("", "a") == "a")
    #expect(try filter("<filterref filter='a'/>", "b") == "b")
    #expect(try filter("<filterref filter='a'/>", nil) == nil)
    let found = try DomainXML.interfaceXML(in: domain(""), mac: "52:54:00:00:00:02", filter: "a")
    #expect(found == nil)
  }
}
