import Testing

@testable import Hypervisor

/// What a guest says of its system; it may say anything.
@Suite struct GuestSystemTests {
  private static func system(_ json: String) throws -> GuestSystem? {
    try AgentAnswer.system(json, operation: "guest-get-osinfo")
  }

  @Test func `a system is what the agent tells of it`() throws {
    let debian = try Self.system(
      """
      {"return":{"name":"Debian GNU/Linux","kernel-release":"6.1.0-18-amd64","version":"12 (bookworm)",
      "pretty-name":"Debian GNU/Linux 12 (bookworm)","version-id":"12","id":"debian","machine":"x86_64"}}
      """
    )
    #expect(
      debian
        == GuestSystem(
          prettyName: "Debian GNU/Linux 12 (bookworm)",
          identifier: "debian",
          version: "12"
        )
    )
    let windows = try Self.system(
      #"{"return":{"id":"mswindows","pretty-name":"Windows Server 2022","variant-id":"server"}}"#
    )
    #expect(windows?.variant == "server")
  }

  @Test func `a guest that tells its kernel only has no system to show`() throws {
    #expect(try Self.system(#"{"return":{"kernel-release":"6.1"}}"#) == nil)
    #expect(try Self.system(#"{"return":{"id":"x"}}"#) == nil)
  }

  @Test(arguments: [
    "", "[]", "{}", #"{"return":7}"#, #"{"return":{"id":7}}"#, #"{"return":"#,
  ])
  func `what makes no sense is refused`(_ json: String) {
    #expect(throws: HypervisorError.self) { try Self.system(json) }
  }

  @Test func `names are short and printable, and an answer has a bound`() throws {
    let long = String(repeating: "x", count: 10_000)
    let hostile = try Self.system(
      #"{"return":{"id":"deb\u001b[31mian\u202e","pretty-name":" a \#(long)"}}"#
    )
    #expect(hostile?.identifier == "deb[31mian")
    #expect(hostile?.prettyName.hasPrefix("a xxx") == true)
    #expect((hostile?.prettyName.count ?? 0) <= 128)
    let huge = String(repeating: " ", count: 65 * 1024)
    #expect(throws: HypervisorError.self) { try Self.system(#"{"return":{}}"# + huge) }
  }
}
