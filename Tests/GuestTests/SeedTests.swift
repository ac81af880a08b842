import Foundation
import Guest
import Model
import Testing
import Yams

@Suite struct SeedTests {
  static func seed(
    instanceID: String = "rehome-01hxa3b4c5",
    hostname: String = "bravo.example.org",
    network: String? = nil,
    macAddresses: [String] = ["52:54:00:aa:00:01"],
    userData: String? = nil
  ) throws -> Seed {
    try Seed(
      instanceID: instanceID,
      hostname: hostname,
      network: network.map { text throws(NetworkConfigurationFault) in
        try NetworkConfiguration(text: text)
      },
      macAddresses: macAddresses,
      userData: userData
    )
  }

  @Test func `The meta-data holds the instance id and the host name`() throws {
    let metaData = try #require(try Yams.load(yaml: Self.seed().metaData) as? [String: String])
    #expect(
      metaData == ["instance-id": "rehome-01hxa3b4c5", "local-hostname": "bravo.example.org"]
    )
  }

  @Test func `The same facts give the same seed, another instance id another one`() throws {
    #expect(try Self.seed() == Self.seed())
    #expect(try Self.seed() != Self.seed(instanceID: "other"))
  }

  @Test func `Without user-data of its own a VPS gets an empty configuration`() throws {
    #expect(try Self.seed().userData == "#cloud-config\n{}\n")
    #expect(try Self.seed(userData: "").userData == "#cloud-config\n{}\n")
  }

  @Test func `The VPS's own user-data is passed on as it is`() throws {
    let text = "#!/bin/sh\necho \"$HOME\" 'ä' \\\\ > /x\r\n"
    #expect(try Self.seed(userData: text).userData == text)
  }

  @Test(
    arguments: [
      "", "has space", "x'; reboot #", "a\nb", "../up", String(repeating: "a", count: 65), "ä",
    ])
  func `An instance id that a script could trip over is refused`(_ text: String) {
    #expect(throws: SeedFault.badInstanceID(text)) { try Self.seed(instanceID: text) }
  }

  @Test(
    arguments: [
      "", "-a", "a-", "a..b", ".a", "a.", "a b", "a_b", "ä", "a\"b", "a\nb",
      String(repeating: "a", count: 64), String(repeating: "a.", count: 127) + "a",
    ])
  func `What is no host name is refused`(_ text: String) {
    #expect(throws: SeedFault.badHostname(text)) { try Self.seed(hostname: text) }
  }

  @Test func `User-data that is too long is refused`() {
    let text = String(repeating: "#", count: Limits.userDataBytes + 1)
    #expect(throws: SeedFault.userDataTooLong) { try Self.seed(userData: text) }
  }

  // MARK: Vendor-data

  @Test func `The vendor-data is a boothook and a configuration`() throws {
    let parts = try Self.vendorParts(Self.seed())
    #expect(parts.map(\.type) == ["text/cloud-boothook", "text/cloud-config"])
    #expect(parts.first?.body.hasPrefix("#cloud-boothook\n#!/bin/sh\n") == true)
  }

  @Test func `The configuration keeps cloud-init's hands off the accounts`() throws {
    let body = try #require(Self.vendorParts(Self.seed()).last?.body)
    #expect(body.hasPrefix("#cloud-config\n"))
    let configuration = try #require(try Yams.compose(yaml: body)?.mapping)
    #expect(
      Set(configuration.keys.compactMap(\.string)) == [
        "users", "ssh_pwauth", "preserve_hostname",
      ]
    )
    #expect(configuration["users"]?.sequence?.isEmpty == true)
    #expect(configuration["preserve_hostname"]?.bool == false)
    #expect(configuration["ssh_pwauth"]?.null != nil)
  }

  /// Splits a MIME message as simply as ours is made.
  static func vendorParts(_ seed: Seed) throws -> [(type: String, body: String)] {
    let message = seed.vendorData
    let boundary = try #require(message.firstMatch(of: /boundary="([^"]+)"/)?.1)
    #expect(message.hasSuffix("--\(boundary)--\n"))
    return try message.components(separatedBy: "--\(boundary)\n").dropFirst().map { part in
      let body = part.replacing("--\(boundary)--\n", with: "")
      let gap = try #require(body.range(of: "\n\n"))
      let type = try #require(body.firstMatch(of: /Content-Type: ([a-z\/-]+)/)?.1)
      return (String(type), String(body[gap.upperBound...]))
    }
  }
}
