import Foundation
import TestSupport
import Testing

/// The real server against its own document: schemathesis asks what the document allows, and what it
/// doesn't, and holds every answer against it.
@Suite(.scratchDirectory) struct SchemathesisTests {
  /// What the schema can't tell: a cursor is opaque, and a valid body may name things that aren't
  /// there, don't go together, or aren't allowed by what is stored.
  private static func configuration(key: String, vps: String) -> String {
    let refusable = [
      "listVPS", "restoreFromVPS", "createBackupSchedule", "editBackupSchedule",
    ].map { name in
      """
      [[operations]]
      include-operation-id = "\(name)"
      checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 404, 409]

      """
    }
    return """
      headers = { Authorization = "Bearer \(key)" }
      warnings = false

      [parameters]
      "path.id" = "\(vps)"

      \(refusable.joined(separator: "\n"))
      """
  }

  /// Limits that no test reaches.
  private static let noLimits = Dictionary(
    uniqueKeysWithValues: ["READ", "WRITE", "POWER", "ADDRESS"].flatMap { kind in
      ["RATE", "BURST"].map { ("REHOME_LIMITS_\(kind)_\($0)", "60000000") }
    }
  )

  @Test func `All checks of schemathesis find nothing`() async throws {
    let libvirt = try await PrivateLibvirt.shared()
    try await Server.with(below: libvirt.folder, libvirtURI: libvirt.uri, variables: Self.noLimits)
    { server in
      let installation = try await Installation(on: server, scopes: Installation.allScopes)
      try await Self.withVPS("source", installation) { source in
        try await Self.withVPS("target", installation) { target in
          try await server.start()
          _ = try await installation.backUp(source)
          _ = try await installation.backUp(target)
          let report = try await Self.run(
            try #require(server.base()),
            Self.configuration(key: installation.key, vps: target)
          )
          #expect(report.isClean, "\(report.text)")
          #expect(try await installation.api().get("/healthz").status == 200)
        }
      }
    }
  }

  /// What it printed, and whether it is content.
  private struct Report {
    let text: String
    let isClean: Bool
  }

  /// The seed is fixed: a run that fails must fail again.
  private static func run(_ base: String, _ configuration: String) async throws -> Report {
    let file = "\(ScratchDirectory.path)/schemathesis.toml"
    try configuration.write(toFile: file, atomically: true, encoding: .utf8)
    let text = try await TestProcess.run(
      "sh",
      [
        "-c", #"cd "$1"; shift; "$@" 2>&1; printf '\n%s' "$?""#, "sh", ScratchDirectory.path,
        script, "--config-file", file, "run", base + "/api/openapi.json", "--checks", "all",
        "--continue-on-failure", "--max-examples", "25", "--seed", "1", "--no-color",
      ]
    )
    return Report(text: text, isClean: text.hasSuffix("\n0"))
  }

  private static let script = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Scripts/testbed/schemathesis.sh").standardized
    .path(percentEncoded: false)

  /// A guest that is off, with a small disk.
  private static func withVPS(
    _ name: String,
    _ installation: Installation,
    _ body: (String) async throws -> Void
  ) async throws {
    var options = MicroGuest.Options()
    options.name = name
    options.size = "64M"
    options.text = name
    try await withMicroGuest(options) { guest in
      try await body(
        installation.register(
          guest.name,
          network: "version: 2\nethernets:\n  wan:\n    dhcp4: true\n"
        )
      )
    }
  }
}
