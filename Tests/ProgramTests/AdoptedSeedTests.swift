import Hypervisor
import Testing

@testable import rehome

/// Which of a domain's disks may be a seed.
struct AdoptedSeedTests {
  private func domain(_ device: String, _ path: String) throws -> DomainDescription {
    let xml = """
      <domain type='kvm'><name>web1</name><uuid>6a1f3c1e-0000-4000-8000-000000000001</uuid>
      <os><type arch='x86_64'>hvm</type></os><devices><disk type='file' device='\(device)'>
      <driver name='qemu' type='raw'/><source file='\(path)'/><target dev='sda' bus='sata'/>
      </disk></devices></domain>
      """
    return DomainDescription(
      name: "web1",
      uuid: "6a1f3c1e-0000-4000-8000-000000000001",
      state: .stopped,
      definition: try DomainXML.parse(live: nil, inactive: xml)
    )
  }

  @Test func `a medium that can't be read isn't taken for one that is no seed`() async throws {
    // A name that no file can have: even root can't read that.
    let path = "/tmp/" + String(repeating: "x", count: 300)
    for isAllowed in [true, false] {
      await #expect(throws: CommandFailure.self) {
        _ = try await AdoptedSeed.find(in: try domain("cdrom", path), isAllowed: isAllowed)
      }
    }
    let found = try await AdoptedSeed.find(in: try domain("disk", path), isAllowed: false)
    #expect(found == nil, "what keeps a data disk from being read is told elsewhere")
  }

  @Test func `a medium that isn't there is no seed`() async throws {
    let found = try await AdoptedSeed.find(
      in: try domain("cdrom", "/nonexistent/seed.iso"),
      isAllowed: false
    )
    #expect(found == nil)
  }
}
