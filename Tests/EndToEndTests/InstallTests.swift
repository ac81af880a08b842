import Foundation
import TestSupport
import Testing

/// What `make install` puts on a host.
@Suite(.scratchDirectory) struct InstallTests {
  private static let project = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../..").standardizedFileURL.path(percentEncoded: false)

  private static func install() async throws -> String {
    let root = "\(ScratchDirectory.path)/root"
    try await TestProcess.run(
      "env",
      ["DESTDIR=\(root)", "PROGRAM=\(Program.path)", "\(project)/Scripts/install.sh"]
    )
    return root
  }

  @Test func `the files are where the service looks, and settings survive a second time`()
    async throws
  {
    let root = try await Self.install()
    let modes = [
      "usr/local/bin/rehome": 0o755,
      "usr/local/lib/systemd/system/rehome.service": 0o644,
      "usr/local/lib/systemd/system/rehome-recover.service": 0o644,
      "usr/local/lib/systemd/system/rehome.slice": 0o644,
      "usr/local/lib/sysusers.d/rehome.conf": 0o644,
      "etc/rehome/rehome.yaml": 0o640,
    ]
    for (path, mode) in modes {
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(root)/\(path)")
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == mode, "\(path)")
    }
    let settings = "\(root)/etc/rehome/rehome.yaml"
    try "api: { port: 4711 }\n".write(toFile: settings, atomically: true, encoding: .utf8)
    _ = try await Self.install()
    #expect(try String(contentsOfFile: settings, encoding: .utf8) == "api: { port: 4711 }\n")
  }

  @Test func `the settings that are installed are ones that the program knows`() async throws {
    let settings = "\(try await Self.install())/etc/rehome/rehome.yaml"
    let program = Program(variables: ["REHOME_DATA_PATH": "\(ScratchDirectory.path)/data"])
    let outcome = try await program.run("client", "list", "--config", settings, "--json")
    #expect(outcome.status == 0, "\(outcome)")
  }

  @Test func `disks are made whole before anything can start a machine`() async throws {
    let folder = "\(try await Self.install())/usr/local/lib/systemd/system"
    let lines = try String(contentsOfFile: "\(folder)/rehome-recover.service", encoding: .utf8)
      .split(separator: "\n").map(String.init)
    let before = lines.filter { $0.hasPrefix("Before=") }.joined(separator: " ")
    for unit in ["libvirtd.service", "virtqemud.service", "rehome.service"] {
      #expect(before.contains(unit), "\(unit)")
    }
    #expect(lines.contains("ExecStart=/usr/local/bin/rehome recover"))
    #expect(lines.contains("WantedBy=multi-user.target"))
  }

  @Test func `the service moves disks behind the guests`() async throws {
    let folder = "\(try await Self.install())/usr/local/lib/systemd/system"
    func lines(_ unit: String) throws -> [String] {
      try String(contentsOfFile: "\(folder)/\(unit)", encoding: .utf8)
        .split(separator: "\n").map(String.init)
    }
    #expect(try lines("rehome.service").contains("Slice=rehome.slice"))
    for line in ["IOWeight=50", "CPUWeight=50"] {
      #expect(try lines("rehome.slice").contains(line))
    }
    try await TestProcess.run("systemd-analyze", ["verify", "\(folder)/rehome.slice"])
  }

  @Test func `there is nothing to recover where there is no catalog, and none is made`()
    async throws
  {
    let data = "\(ScratchDirectory.path)/nothing"
    let program = Program(variables: ["REHOME_DATA_PATH": data])
    let outcome = try await program.run("recover", "--json")
    #expect(outcome.status == 0, "\(outcome)")
    #expect(!FileManager.default.fileExists(atPath: data))
  }

  @Test(arguments: ["rehome.service", "rehome-recover.service"])
  func `a service has as few rights as systemd calls OK`(_ name: String) async throws {
    let unit = "\(try await Self.install())/usr/local/lib/systemd/system/\(name)"
    // It fails above the threshold, which is where "MEDIUM" begins.
    try await TestProcess.run(
      "systemd-analyze",
      ["security", "--offline=true", "--no-pager", "--threshold=49", unit]
    )
  }
}
