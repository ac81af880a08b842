import Foundation
import TestSupport
import Testing

/// The program's own promises to scripts: exit codes, JSON, how a server starts and ends.
@Suite(.scratchDirectory) struct ProgramTests {
  private static let nowhere = "qemu+unix:///session?socket=/nonexistent/libvirt-sock"
  private static let unknown = "01hxa3b4c5d6e7f8g9h0j1k2m3"

  private static var program: Program {
    Program(variables: [
      "REHOME_DATA_PATH": "\(ScratchDirectory.path)/data", "REHOME_LIBVIRT_URI": nowhere,
    ])
  }

  /// What a command that fails prints with `--json`.
  private struct Complaint: Decodable {
    struct Body: Decodable {
      let code: String
      let detail: String
      let exitCode: Int32
    }

    let error: Body
  }

  private static func complaint(in outcome: Program.Outcome) throws -> Complaint.Body {
    let line = outcome.errors.split(separator: "\n").last ?? ""
    return try JSONDecoder().decode(Complaint.self, from: Data(line.utf8)).error
  }

  // MARK: - Exit codes

  @Test(arguments: [
    ["no-such-command"], ["vps", "add", "--name", "a"], ["restore", "start", "--to", "a"],
    ["audit", "--since", "yesterday"], ["key", "roll", "key_\(unknown)", "--grace", "soon"],
    ["job", "list", "--set", "no.such.key=1"], ["job", "list", "--set", "api.port=many"],
    ["job", "list", "--config", "/nonexistent.yaml"],
    ["vps", "add", "--client", "a", "--domain", "a", "--name", "a", "--network", "/nonexistent"],
  ])
  func `a wrong command line ends with 2`(_ arguments: [String]) async throws {
    let outcome = try await Self.program.run(arguments + ["--json"])
    #expect(outcome.status == 2, "\(outcome)")
    #expect(outcome.output.isEmpty)
    #expect(try Self.complaint(in: outcome).exitCode == 2)
  }

  @Test(arguments: [
    ["vps", "show", "vps_\(unknown)"], ["vps", "show", "nobody"],
    ["job", "show", "job_\(unknown)"], ["job", "resolve", "job_\(unknown)"],
    ["client", "delete", "nobody"], ["key", "list", "--client", "nobody"],
    ["key", "revoke", "key_\(unknown)"], ["key", "roll", "key_\(unknown)"],
    ["backup", "list", "vps_\(unknown)"],
    ["backup", "delete", "bkp_\(unknown)"], ["restore", "undo", "job_\(unknown)"],
    [
      "restore", "start", "--to", "vps_\(unknown)", "--from", "vps_\(unknown)", "--backup",
      "bkp_\(unknown)",
    ],
  ])
  func `what isn't there ends with 4`(_ arguments: [String]) async throws {
    let outcome = try await Self.program.run(arguments + ["--json"])
    #expect(outcome.status == 4, "\(outcome)")
    let complaint = try Self.complaint(in: outcome)
    #expect(complaint.code == "not_found")
    #expect(complaint.exitCode == 4)
  }

  @Test func `a name that is taken ends with 3`() async throws {
    let program = Self.program
    #expect(try await program.run("client", "create", "acme").status == 0)
    let again = try await program.run("client", "create", "acme", "--json")
    #expect(again.status == 3, "\(again)")
    #expect(try Self.complaint(in: again).exitCode == 3)
  }

  /// A key as `key create`, `key roll` and `key list` show it.
  private struct ShownKey: Decodable {
    let id: String
    let key: String?
    let name: String?
    let replaces: String?
    let revokedAt: String?
  }

  /// An entry as `audit` shows it.
  private struct ShownEntry: Decodable {
    let sequence: Int
    let action: String
    let subject: String
  }

  @Test func `a key is rolled, and the audit log tells of it page by page`() async throws {
    let program = Self.program
    #expect(try await program.run("client", "create", "acme").status == 0)
    let old: ShownKey = try await program.run([
      "key", "create", "--client", "acme", "--scope", "read:vm", "--name", "nightly", "--json",
    ]).decode()
    let new: ShownKey = try await program.run("key", "roll", old.id, "--json").decode()
    #expect(new.key != nil && new.key != old.key)
    #expect(new.replaces == old.id)
    #expect(new.name == "nightly")
    let keys: [ShownKey] = try await program.run("key", "list", "--json").decode()
    #expect(keys.map { $0.revokedAt == nil } == [false, true])
    #expect(keys.allSatisfy { $0.key == nil })

    let newest: [ShownEntry] = try await program.run("audit", "--limit", "1", "--json").decode()
    #expect(newest.map(\.action) == ["key.roll"])
    #expect(newest.map(\.subject) == [old.id])
    let before = try #require(newest.first?.sequence)
    let older: [ShownEntry] = try await program.run([
      "audit", "--before", "\(before)", "--since", "1h", "--json",
    ]).decode()
    #expect(older.map(\.action) == ["key.create", "client.create"])
  }

  @Test func `a libvirt that is away ends with 5`() async throws {
    let program = Self.program
    #expect(try await program.run("client", "create", "acme").status == 0)
    let outcome = try await program.run([
      "vps", "add", "--client", "acme", "--domain", "a", "--name", "a", "--json",
    ])
    #expect(outcome.status == 5, "\(outcome)")
    #expect(try Self.complaint(in: outcome).code == "hypervisor_unavailable")
  }

  @Test func `a job that nobody would do ends with 5, and isn't begun`() async throws {
    let libvirt = try await PrivateLibvirt.shared()
    let name = "idle-\(UUID().uuidString.prefix(6).lowercased())"
    let disk = "\(libvirt.folder)/\(name).raw"
    let definition = "\(ScratchDirectory.path)/domain.xml"
    try """
    <domain type='qemu'><name>\(name)</name><memory unit='MiB'>64</memory>
      <os><type arch='x86_64' machine='pc'>hvm</type></os>
      <devices><disk type='file' device='disk'><driver name='qemu' type='raw'/>
        <source file='\(disk)'/><target dev='vda' bus='virtio'/></disk></devices></domain>
    """.write(toFile: definition, atomically: true, encoding: .utf8)
    try await TestProcess.run("truncate", ["-s", "16M", disk])
    try await libvirt.virsh("define", definition)
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await Self.expectNoWorker(name, libvirt)) } catch {
      outcome = .failure(error)
    }
    try await libvirt.virsh("undefine", name)
    try FileManager.default.removeItem(atPath: disk)
    try outcome.get()
  }

  private static func expectNoWorker(_ domain: String, _ libvirt: PrivateLibvirt) async throws {
    let variables = program.variables.merging(["REHOME_LIBVIRT_URI": libvirt.uri]) { $1 }
    let program = Program(variables: variables)
    #expect(try await program.run("client", "create", "acme").status == 0)
    let added = try await program.run([
      "vps", "add", "--client", "acme", "--domain", domain, "--name", "a", "--json",
    ])
    #expect(added.status == 0, "\(added)")
    let outcome = try await program.run("backup", "create", "a", "--json")
    #expect(outcome.status == 5, "\(outcome)")
    #expect(try complaint(in: outcome).code == "no_worker")
    let jobs: [Identified] = try await program.run("job", "list", "--json").decode()
    #expect(jobs.isEmpty)
  }

  // MARK: - Configuration

  @Test(arguments: ["api:\n  prot: 8080\n", "restore:\n  undowindow: 24h\n", "colour: red\n"])
  func `an unknown key in the file is refused by its name`(_ text: String) async throws {
    let file = "\(ScratchDirectory.path)/rehome.yaml"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let outcome = try await Self.program.run("job", "list", "--config", file)
    #expect(outcome.status == 2)
    let name = ["api.prot", "restore.undowindow", "colour"].first { outcome.errors.contains($0) }
    #expect(name != nil, "\(outcome.errors)")
    #expect(outcome.errors.contains(file))
  }

  @Test func `the environment overrides the file, and the command line both`() async throws {
    let file = "\(ScratchDirectory.path)/rehome.yaml"
    let places = ["file", "environment", "line"].map { "\(ScratchDirectory.path)/\($0)" }
    try "data:\n  path: \(places[0])\n".write(toFile: file, atomically: true, encoding: .utf8)
    let bare = Program(variables: [:])
    let some = Program(variables: ["REHOME_DATA_PATH": places[1]])
    #expect(try await bare.run("job", "list", "--config", file).status == 0)
    #expect(try await some.run("job", "list", "--config", file).status == 0)
    #expect(
      try await some.run("job", "list", "--config", file, "--set", "data.path=\(places[2])").status
        == 0
    )
    for place in places {
      #expect(FileManager.default.fileExists(atPath: "\(place)/catalog.sqlite"), "\(place)")
    }
  }

  // MARK: - JSON

  @Test func `what commands print as JSON has the documented members`() async throws {
    let program = Self.program
    let client = try await Self.object(program, "client", "create", "acme")
    #expect(client.isSuperset(of: ["id", "name", "createdAt"]))
    let key = try await Self.object(
      program,
      "key",
      "create",
      "--client",
      "acme",
      "--scope",
      "read:vm",
      "--expires",
      "90d"
    )
    #expect(
      key.isSuperset(of: ["id", "clientId", "scopes", "createdAt", "expiresAt", "revokedAt", "key"])
    )
    let clients: [Identified] = try await program.run("client", "list", "--json").decode()
    #expect(clients.count == 1)
    let keys = try await program.run("key", "list", "--json")
    #expect(try keys.decode([Identified].self).count == 1)
    for group in ["vps", "job"] {
      let list: [Identified] = try await program.run(group, "list", "--json").decode()
      #expect(list.isEmpty)
    }
  }

  private static func object(_ program: Program, _ words: String...) async throws -> Set<String> {
    let outcome = try await program.run(words + ["--json"])
    let value = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    return Set(try #require(value as? [String: Any], "\(outcome)").keys)
  }

  @Test func `version and help are no failures`() async throws {
    for arguments in [["--version"], ["--help"], ["help", "restore", "start"]] {
      let outcome = try await Self.program.run(arguments)
      #expect(outcome.status == 0)
      #expect(!outcome.output.isEmpty)
      #expect(outcome.errors.isEmpty)
    }
  }
}
