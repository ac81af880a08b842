import Foundation
import TestSupport
import Testing

/// What `rehome doctor` finds.
@Suite(.scratchDirectory) struct DoctorTests {
  private struct Finding: Decodable {
    let name: String
    let status: String
    let detail: String
    let remedy: String?
  }

  private static var data: String { "\(ScratchDirectory.path)/data" }

  private static func program(libvirt uri: String) -> Program {
    Program(variables: ["REHOME_DATA_PATH": data, "REHOME_LIBVIRT_URI": uri])
  }

  private static func findings(in outcome: Program.Outcome) throws -> [Finding] {
    try JSONDecoder().decode([Finding].self, from: Data(outcome.output.utf8))
  }

  @Test func `it says what is missing, and with which exit code`() async throws {
    let nowhere = "qemu+unix:///session?socket=/nonexistent/libvirt-sock"
    let outcome = try await Self.program(libvirt: nowhere).run("doctor", "--json")
    #expect(outcome.status == 5, "\(outcome)")
    let findings = try Self.findings(in: outcome)
    #expect(findings.allSatisfy { ["ok", "warn", "fail"].contains($0.status) })
    let libvirt = try #require(findings.first { $0.name.contains("libvirt") })
    #expect(libvirt.status == "fail")
  }

  @Test func `a variable that sets nothing is told, and nothing is made`() async throws {
    let program = Program(variables: [
      "REHOME_DATA_PATH": Self.data, "REHOME_LIBVIRT_URI": "test:///default",
      "REHOME_API_PROT": "1",
    ])
    let outcome = try await program.run("doctor")
    #expect(outcome.errors.contains("REHOME_API_PROT sets nothing"), "\(outcome)")
    #expect(outcome.output.contains("There is no \(Self.data) yet"), "\(outcome)")
    #expect(!FileManager.default.fileExists(atPath: Self.data))
  }

  @Test func `what a firmware stores must be of a kind that can be kept`() async throws {
    let libvirt = try await PrivateLibvirt.shared()
    let name = "efi-\(UUID().uuidString.prefix(6).lowercased())"
    let (disk, nvram) = ("\(libvirt.folder)/\(name).raw", "\(ScratchDirectory.path)/\(name).fd")
    let definition = "\(ScratchDirectory.path)/domain.xml"
    try """
    <domain type='qemu'><name>\(name)</name><memory unit='MiB'>64</memory>
      <os><type arch='x86_64' machine='q35'>hvm</type>
        <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>
        <nvram>\(nvram)</nvram></os><features><acpi/></features>
      <devices><disk type='file' device='disk'><driver name='qemu' type='raw'/>
        <source file='\(disk)'/><target dev='vda' bus='virtio'/></disk></devices></domain>
    """.write(toFile: definition, atomically: true, encoding: .utf8)
    try await TestProcess.run("truncate", ["-s", "16M", disk])
    try await libvirt.virsh("define", definition)
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await Self.expectFindings(name, nvram, libvirt)) } catch {
      outcome = .failure(error)
    }
    try await libvirt.virsh("undefine", name, "--keep-nvram")
    try FileManager.default.removeItem(atPath: disk)
    try outcome.get()
  }

  private static func expectFindings(
    _ domain: String,
    _ nvram: String,
    _ libvirt: PrivateLibvirt
  ) async throws {
    let program = Self.program(libvirt: libvirt.uri)
    #expect(try await program.run("client", "create", "acme").status == 0)
    let added = try await program.run([
      "vps", "add", "--client", "acme", "--domain", domain, "--name", "efi", "--json",
    ])
    #expect(added.status == 0, "\(added)")
    let before = try findings(in: try await program.run("doctor", "--json"))
    #expect(before.first { $0.name == "nvram" }?.status == "ok")
    try FileManager.default.createDirectory(atPath: nvram, withIntermediateDirectories: false)
    let after = try findings(in: try await program.run("doctor", "--json"))
    let finding = try #require(after.first { $0.name == "nvram" })
    #expect(finding.status == "fail")
    #expect(finding.detail.contains(nvram))
  }
}
