import API
import Catalog
import HummingbirdTesting
import Model
import Operations
import TestSupport
import Testing

/// `GET /api/v2/vps/{id}/details` and `/status`, and a VPS's own backup put back.
@Suite struct DetailsTests {
  private static let system = OperatingSystem(
    displayName: "Debian GNU/Linux 12 (bookworm)",
    family: "debian",
    version: "12",
    variant: nil
  )

  @Test func `the details are the VPS and what is kept of it`() async throws {
    try await World.with { world, client in
      try await world.observe(world.target) { $0.operatingSystem = Self.system }
      let path = "/api/v2/vps/\(world.target.id)"
      let plain = try await Question("GET", path, key: world.key).ask(client).json
      let details = try await Question("GET", "\(path)/details", key: world.key).ask(client).json
      #expect(details.names == plain.names.union(["hostname", "createdAt", "network"]))
      for name in plain.names { #expect(details[name] == plain[name], "\(name)") }
      #expect(details["hostname"] == .string("target"))
      #expect(details["createdAt"] == .string("2026-04-27T12:34:56.000Z"))
      #expect(details["network"]?["isConfigured"] == .boolean(true))
      let interface = details["network"]?["interfaces"]?[0]
      #expect(interface?.names == ["name", "macAddress", "dhcp4", "addresses"])
      #expect(interface?["name"] == .string("e0"))
      // The entry names no card, so it is for the first one.
      #expect(interface?["macAddress"] == .string("52:54:00:00:00:01"))
      #expect(interface?["addresses"] == .array([.string("192.0.2.20/24")]))
      let system = plain["operatingSystem"]
      #expect(system?.names == ["displayName", "family", "version"])
      #expect(system?["displayName"] == .string("Debian GNU/Linux 12 (bookworm)"))
    }
  }

  @Test func `a VPS without configuration asks DHCP on every card`() async throws {
    try await World.with { world, client in
      var plain = world.target
      plain.network = nil
      let vps = plain
      try await world.operations.write { try $0.update(vps) }
      let json = try await Question("GET", "/api/v2/vps/\(vps.id)/details", key: world.key)
        .ask(client).json
      #expect(json["operatingSystem"] == nil)
      #expect(json["network"]?["isConfigured"] == .boolean(false))
      let interface = json["network"]?["interfaces"]?[0]
      #expect(interface?["name"] == .null)
      #expect(interface?["dhcp4"] == .boolean(true))
      #expect(interface?["macAddress"] == .string("52:54:00:00:00:01"))
    }
  }

  @Test func `a status that can't be had live is the stored one, and says so`() async throws {
    try await World.with { world, client in
      let job = try await world.addJob {
        $0.state = .running
        $0.progress = JobProgress(step: "stage", percent: 40)
      }
      let json = try await Question("GET", "/api/v2/vps/\(world.target.id)/status", key: world.key)
        .ask(client).json
      #expect(
        json.names == [
          "id", "powerState", "memory", "storage", "pendingTasks", "observedAt", "live",
        ]
      )
      #expect(json["live"] == .boolean(false))
      #expect(json["observedAt"] == .string("2026-04-27T12:34:56.000Z"))
      #expect(json["powerState"] == .string("running"))
      #expect(
        json["memory"]?.names == [
          "usedGb", "usedBytes", "totalGb", "totalBytes", "usagePercent",
        ]
      )
      #expect(json["memory"]?["usedGb"] == .null)
      #expect(json["memory"]?["totalBytes"] == .number("2147483648"))
      #expect(json["memory"]?["totalGb"] == .number("2.1"))
      let task = json["pendingTasks"]?[0]
      #expect(task?["id"] == .string(job.id.text))
      #expect(task?["type"] == .string("restore"))
      #expect(task?["status"] == .string("in_progress"))
      #expect(task?["progress"] == .number("40"))
    }
  }

  @Test func `a live status is shown with its moment`() async throws {
    try await World.with(liveStatus: Live()) { world, client in
      world.clock.advance(by: .seconds(60))
      let question = Question("GET", "/api/v2/vps/\(world.target.id)/status", key: world.key)
      let json = try await question.ask(client).json
      #expect(json["live"] == .boolean(true))
      #expect(json["observedAt"] == .string("2026-04-27T12:35:56.000Z"))
      #expect(json["uptimeSeconds"] == .number("3600"))
      #expect(json["memory"]?["usagePercent"] == .number("25"))
      #expect(json["memory"]?["usedBytes"] == .number("500000000"))
      #expect(json["storage"]?["usedGb"] == .null)
      #expect(json["storage"]?["totalGb"] == .number("10"))
      // A machine of that name may be somebody else's by now.
      try await world.setStatus(.terminated, of: world.target)
      #expect(try await question.ask(client).json["live"] == .boolean(false))
    }
  }

  private struct Live: LiveStatusSource {
    func status(of vps: VPS) async -> LiveStatus? {
      LiveStatus(
        powerState: .running,
        uptimeSeconds: 3600,
        memoryTotalBytes: 2_000_000_000,
        memoryUsedBytes: 500_000_000,
        storageTotalBytes: 10_000_000_000
      )
    }
  }

  @Test func `a VPS's own backup goes back onto it by the same rules`() async throws {
    try await World.with { world, client in
      func restore(_ vps: VPS, _ backup: String) -> Question {
        Question(
          "POST",
          "/api/v2/vps/\(vps.id)/backups/\(backup)/actions/restore",
          key: world.key
        )
      }
      // Another VPS's backup isn't this one's, whoever owns it.
      try await restore(world.target, world.backup.id.text).expect(404, client)
      try await restore(world.source, world.foreignBackup.id.text).expect(404, client)
      try await restore(world.source, "nonsense").expect(404, client)
      let damaged = try await world.addBackup(of: world.source) { $0.state = .damaged }
      try await restore(world.source, damaged.id.text).expect(404, client)
      let large = try await world.addBackup(of: world.source) {
        $0.contents = World.contents(sizeBytes: 1 << 40)
      }
      let misfit = try await restore(world.source, large.id.text).ask(client)
      #expect(misfit.faults == ["/backupId insufficient_storage"])

      let answer = try await restore(world.source, world.backup.id.text).ask(client)
      #expect(answer.status == 202, "\(answer.text)")
      let id = try #require(answer.json["operation"]?["jobId"]?.text)
      let job = try await world.operations.job(world.system, id)
      #expect(
        job.task
          == .restore(RestoreTask(sourceVPSID: world.source.id, backupID: world.backup.id))
      )
      let delete = Question(
        "DELETE",
        "/api/v2/vps/\(world.source.id)/backups/\(world.backup.id)",
        key: world.key
      )
      #expect(try await delete.ask(client).code == "backup_in_use")
      #expect(try await restore(world.source, world.backup.id.text).ask(client).status == 409)
      try await world.setStatus(.terminated, of: world.source)
      try await restore(world.source, world.backup.id.text).expect(404, client)
    }
  }
}
