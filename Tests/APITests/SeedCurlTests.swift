import Foundation
import Model
import TestSupport
import Testing

/// The seed's own lines, run by a shell as a reader runs them.
@Suite(.scratchDirectory) struct SeedCurlTests {
  /// As it is written there; only host, key and identifiers are replaced.
  private static let lines = #"""
    curl -X POST "https://cloud.hostup.se/api/v2/vps/vps_01hxa3b4c5d6e7f8g9h0j1k2m3/backups/actions/restore-from-vps" \
      -H "Authorization: Bearer YOUR_API_KEY" \
      -H "Accept: application/json" \
      -H "Content-Type: application/json" \
      -d '{
        "sourceVpsId": "vps_01j0b3c4d5e6f7g8h9j0k1m2n3",
        "backupId": "bkp_01hxa3b4c5d6e7f8g9h0j1k2m3"
      }'
    """#

  /// Runs the lines; the status follows the body by a setting of curl's, not by another option.
  private static func run(
    on port: Int,
    target: String,
    key: String,
    source: String,
    backup: String
  ) async throws -> (status: Int, body: String) {
    let home = ScratchDirectory.path
    try "silent\nwrite-out = \"\\n%{http_code}\"\n"
      .write(toFile: "\(home)/.curlrc", atomically: true, encoding: .utf8)
    let script =
      lines
      .replacing("https://cloud.hostup.se", with: "http://127.0.0.1:\(port)")
      .replacing("vps_01hxa3b4c5d6e7f8g9h0j1k2m3", with: target)
      .replacing("YOUR_API_KEY", with: key)
      .replacing("vps_01j0b3c4d5e6f7g8h9j0k1m2n3", with: source)
      .replacing("bkp_01hxa3b4c5d6e7f8g9h0j1k2m3", with: backup)
    let text = try await TestProcess.run(
      "env",
      ["CURL_HOME=\(home)", "HOME=\(home)", "sh", "-c", script]
    )
    let parts = text.trimmingCharacters(in: .newlines).split(separator: "\n")
    return (Int(parts.last ?? "") ?? 0, parts.dropLast().joined(separator: "\n"))
  }

  @Test func `the seed's lines give the seed's answers`() async throws {
    try await World.live { world, connection in
      let (target, source) = (world.target.id.text, world.source.id.text)
      let backup = world.backup.id.text
      let blind = try await world.newKey([.readVM])
      let rows: [(key: String, source: String, backup: String, status: Int, code: String)] = [
        (world.key, target, backup, 400, "invalid_request"),
        ("YOUR_API_KEY", source, backup, 401, "unauthorized"),
        (blind, source, backup, 403, "forbidden"),
        (world.foreignKey, source, backup, 404, "not_found"),
        (world.key, source, world.foreignBackup.id.text, 404, "not_found"),
      ]
      for row in rows {
        let answer = try await Self.run(
          on: connection.port,
          target: target,
          key: row.key,
          source: row.source,
          backup: row.backup
        )
        #expect(answer.status == row.status, "\(answer)")
        #expect(answer.body.contains("\"code\":\"\(row.code)\""), "\(answer)")
      }
      let accepted = try await Self.run(
        on: connection.port,
        target: target,
        key: world.key,
        source: source,
        backup: backup
      )
      #expect(accepted.status == 202, "\(accepted)")
      let job = try #require(accepted.body.firstMatch(of: /job_[0-9a-z]{26}/)).output
      #expect(accepted.body.contains("\"pollUrl\":\"/api/jobs/\(job)\""))
    }
  }
}
