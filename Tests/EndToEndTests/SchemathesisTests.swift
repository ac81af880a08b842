import Foundation
import TestSupport
import Testing

/// The real server against its own document: schemathesis asks what the document allows, and what it
/// doesn't, and holds every answer against it.
@Suite(.scratchDirectory) struct SchemathesisTests {
  /// Where a request of the right shape may be refused with 400, because what is wrong with it stands
  /// in no schema; everywhere else such a request must be taken.
  private static let refusable = [
    // A cursor is opaque: no schema tells which ones a list has given out.
    "listVPS", "listBackups", "listRestoreSources",
    // The source must be another VPS than the path's, and its backup must fit the target's disks.
    "restoreFromVPS",
    // A VPS has ten schedules at most, and more are asked for.
    "createBackupSchedule",
    // Where no frequency is sent, the stored one decides which day may be.
    "editBackupSchedule",
  ]

  private static func configuration(key: String, vps: String) -> String {
    let operations = refusable.map { name in
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

      \(operations.joined(separator: "\n"))
      """
  }

  /// Limits that no test reaches, and a place for the metrics.
  private static let variables = Dictionary(
    uniqueKeysWithValues: [("REHOME_METRICS_PORT", "0")]
      + ["READ", "WRITE", "POWER", "ADDRESS"].flatMap { kind in
        ["RATE", "BURST"].map { ("REHOME_LIMITS_\(kind)_\($0)", "60000000") }
      }
  )

  @Test func `All checks of schemathesis find nothing`() async throws {
    let libvirt = try await PrivateLibvirt.shared()
    try await Server.with(below: libvirt.folder, libvirtURI: libvirt.uri, variables: Self.variables)
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
          try await Self.checkMetrics(of: server)
        }
      }
    }
  }

  /// After jobs, and requests of every kind, the server's own figures are what Prometheus wants.
  private static func checkMetrics(of server: Server) async throws {
    let metrics = try await server.metrics()
    #expect(metrics.complaints == "exit code 0")
    let series = [
      #"rehome_http_requests_total{route="/api/v2/vps/{id}",method="GET",status="200"}"#,
      #"rehome_http_request_duration_seconds_bucket{route="/api/v2/vps/{id}",method="GET",le="#,
      #"rehome_jobs{kind="backup",state="queued"}"#, "rehome_job_queue_age_seconds",
      #"rehome_jobs_ended_total{kind="backup""#, "rehome_job_stage_bytes_total{",
      "rehome_datastore_chunks_stored_total{", "rehome_datastore_free_bytes",
      "rehome_catalog_transaction_duration_seconds_count{", #"rehome_part_ready{part="catalog"} 1"#,
    ]
    for line in series { #expect(metrics.text.contains("\n\(line)"), "\(line)") }
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
    var options = MicroGuest.Options(named: name)
    options.size = "64M"
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
