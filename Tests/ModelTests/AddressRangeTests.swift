import Model
import Testing

@Suite struct AddressRangeTests {
  struct Row: Sendable {
    var range: String
    var address: String
    var isInside: Bool
  }

  static let rows: [Row] = [
    Row(range: "10.0.0.0/8", address: "10.255.0.1", isInside: true),
    Row(range: "10.0.0.0/8", address: "11.0.0.1", isInside: false),
    Row(range: "192.0.2.128/25", address: "192.0.2.127", isInside: false),
    Row(range: "192.0.2.128/25", address: "192.0.2.128", isInside: true),
    Row(range: "192.0.2.7", address: "192.0.2.7", isInside: true),
    Row(range: "192.0.2.7", address: "192.0.2.6", isInside: false),
    Row(range: "0.0.0.0/0", address: "203.0.113.9", isInside: true),
    Row(range: "0.0.0.0/0", address: "2001:db8::1", isInside: false),
    Row(range: "10.0.0.0/8", address: "::ffff:10.1.2.3", isInside: true),
    Row(range: "2001:db8::/32", address: "2001:db8:ffff::1", isInside: true),
    Row(range: "2001:db8::/32", address: "2001:db9::1", isInside: false),
    Row(range: "::1", address: "::1", isInside: true),
  ]

  @Test(arguments: rows) func `A block holds the addresses that begin like it`(_ row: Row) throws {
    let range = try #require(AddressRange(row.range))
    #expect(range.contains(try #require(IPAddress(row.address))) == row.isInside)
  }

  @Test(arguments: ["", "10.0.0.1/8", "10.0.0.0/33", "x/8", "10.0.0/8", "::/129", "10.0.0.0/-1"])
  func `What isn't one block is none`(_ text: String) {
    #expect(AddressRange(text) == nil)
  }
}
