import Guest
import Model
import Testing

@Suite struct GuestCheckTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    var expected: [String] = ["192.0.2.7/24"]
    var shown: [String] = []
    var others: [String] = ["192.0.2.8/24", "2001:db8::8/64"]
    let verdict: GuestCheck.Verdict
    var testDescription: String { name }
  }

  private static let cases = [
    Case(
      name: "all there",
      shown: ["127.0.0.1/8", "192.0.2.7/24", "fe80::1/64"],
      verdict: .confirmed
    ),
    Case(name: "no prefix shown", shown: ["192.0.2.7"], verdict: .confirmed),
    Case(
      name: "more than asked for",
      shown: ["192.0.2.7/24", "172.17.0.1/16"],
      verdict: .confirmed
    ),
    Case(name: "nothing shown", verdict: .mismatch),
    Case(name: "another address", shown: ["192.0.2.9/24"], verdict: .mismatch),
    Case(name: "another prefix", shown: ["192.0.2.7/25"], verdict: .mismatch),
    Case(
      name: "one of two",
      expected: ["192.0.2.7/24", "2001:db8::7/64"],
      shown: ["192.0.2.7/24"],
      verdict: .mismatch
    ),
    Case(
      name: "another spelling",
      expected: ["2001:db8::7/64"],
      shown: ["2001:0DB8:0:0:0:0:0:7/64"],
      verdict: .confirmed
    ),
    Case(
      name: "version 4 inside version 6",
      shown: ["::ffff:192.0.2.7"],
      verdict: .confirmed
    ),
    Case(
      name: "somebody else's",
      shown: ["192.0.2.7/24", "192.0.2.8/24"],
      verdict: .foreign(address: "192.0.2.8")
    ),
    Case(
      name: "somebody else's, other prefix",
      shown: ["192.0.2.8/32"],
      verdict: .foreign(address: "192.0.2.8")
    ),
    Case(
      name: "somebody else's, other spelling",
      shown: ["2001:db8:0::0008%eth0"],
      verdict: .foreign(address: "2001:db8::8")
    ),
    Case(
      name: "shared on purpose",
      shown: ["192.0.2.7/24"],
      others: ["192.0.2.7/24"],
      verdict: .confirmed
    ),
    Case(
      name: "link-local is everybody's",
      shown: ["192.0.2.7/24", "fe80::1/64"],
      others: ["fe80::1/64"],
      verdict: .confirmed
    ),
    Case(name: "DHCP, something", expected: [], shown: ["10.0.0.5/8"], verdict: .confirmed),
    Case(
      name: "DHCP, only local",
      expected: [],
      shown: ["127.0.0.1/8", "::1/128", "fe80::5/64"],
      verdict: .mismatch
    ),
    Case(
      name: "DHCP, somebody else's",
      expected: [],
      shown: ["192.0.2.8/24"],
      verdict: .foreign(address: "192.0.2.8")
    ),
    Case(
      name: "nonsense",
      shown: [
        "", "/", "192.0.2.7/", "192.0.2.7/x", "192.0.2.7/-1", "192.0.2.7/999", "192.0.2.07/24",
        "192.0.2", "192.0.2.7.1", "1.2.3.4.", "0x7f.1", ":::", "1::2::3", "12345::", "g::",
        "1:2:3:4:5:6:7:8:9", "::1.2.3", "1.2.3.4::", "%eth0", "١٢٧.0.0.1",
      ],
      verdict: .mismatch
    ),
    Case(
      name: "a flood",
      shown: Array(repeating: "203.0.113.1/24", count: 100_000),
      verdict: .mismatch
    ),
    Case(
      name: "an endless text",
      shown: [String(repeating: "1", count: 1_000_000)],
      verdict: .mismatch
    ),
    Case(
      name: "an expectation that can't be read",
      expected: ["x"],
      shown: ["192.0.2.7/24"],
      verdict: .mismatch
    ),
  ]

  @Test(arguments: cases)
  func `A guest is judged by the addresses it shows`(_ example: Case) {
    let verdict = GuestCheck.verdict(
      expected: example.expected,
      shown: example.shown,
      others: example.others
    )
    #expect(verdict == example.verdict)
  }

  @Test func `A VPS's network says what is expected`() throws {
    let network = try NetworkConfiguration(
      text: "version: 2\nethernets: {a: {addresses: [192.0.2.7/24]}}"
    )
    #expect(
      GuestCheck.verdict(network: network, shown: ["192.0.2.7/24"], others: []) == .confirmed
    )
    #expect(GuestCheck.verdict(network: network, shown: ["192.0.2.9/24"], others: []) == .mismatch)
    #expect(GuestCheck.verdict(network: nil, shown: ["192.0.2.9/24"], others: []) == .confirmed)
  }
}
