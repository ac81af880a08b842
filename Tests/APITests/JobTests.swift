import API
import HummingbirdTesting
import Model
import TestSupport
import Testing

/// `GET /api/jobs/{jobId}` and its actions.
@Suite struct JobTests {
  private static func poll(
    _ world: World,
    _ client: any TestClientProtocol,
    _ job: Job
  ) async throws -> JSON {
    let answer = try await Question("GET", "/api/jobs/\(job.id)", key: world.key).ask(client)
    #expect(answer.status == 200)
    return answer.json
  }

  @Test func `A queued job answers both shapes from the same values`() async throws {
    try await World.with { world, client in
      let job = try await world.addJob()
      let json = try await Self.poll(world, client, job)
      #expect(json.names == ["operation", "success", "timestamp", "requestId", "data"])
      #expect(json["success"] == .boolean(true))
      #expect(json["timestamp"] == .string("2026-04-27T12:34:56.000Z"))
      let operation = try #require(json["operation"])
      #expect(
        operation.names == [
          "status", "jobId", "pollUrl", "progress", "createdAt", "startedAt", "finishedAt",
        ]
      )
      #expect(operation["status"] == .string("queued"))
      #expect(operation["startedAt"] == .null && operation["finishedAt"] == .null)
      #expect(
        operation["progress"]?.names == [
          "percent", "step", "bytesDone", "bytesTotal", "bytesPerSecond", "message",
        ]
      )
      let data = try #require(json["data"])
      #expect(
        data.names == [
          "jobId", "type", "state", "status", "progress", "progressDetails", "progressMessage",
          "result", "isCompleted", "isFailed", "isRunning", "isWaiting", "createdAt",
          "finishedAt", "jobName", "vmId",
        ]
      )
      #expect(
        data["progressDetails"]?.names == ["percentage", "message", "current", "total"]
      )
      #expect(data["result"] == .null)
      #expect(data["type"] == .string("restore"))
      #expect(data["vmId"] == .string(world.target.id.text))
      #expect(data["isWaiting"] == .boolean(true))
    }
  }

  static let states: [(state: JobState, status: String)] = [
    (.queued, "queued"), (.waiting, "pending"), (.running, "in_progress"),
    (.completed, "completed"), (.failed, "failed"), (.cancelled, "failed"),
  ]

  @Test(arguments: states) func `Each state has its status in both shapes`(
    _ row: (state: JobState, status: String)
  ) async throws {
    try await World.with { world, client in
      let job = try await world.addJob {
        $0.state = row.state
        if row.state.isFinal { $0.finishedAt = $0.createdAt }
        $0.failure = JobFailure(
          code: .hypervisorUnavailable,
          detail: "It was away.",
          left: .rolledBack
        )
      }
      let json = try await Self.poll(world, client, job)
      #expect(json["operation"]?["status"] == .string(row.status))
      #expect(json["data"]?["status"] == .string(row.status))
      #expect(json["data"]?["state"] == .string(row.state.rawValue))
      let flags = ["isCompleted", "isFailed", "isRunning", "isWaiting"]
      #expect(flags.count { json["data"]?[$0] == .boolean(true) } == 1)
      let error = json["operation"]?["error"]
      guard row.status == "failed" else {
        #expect(error == nil)
        return
      }
      #expect(json["operation"]?["result"] == .null)
      #expect(error?["code"] == .string("hypervisor_unavailable"))
      #expect(error?["title"] == .string("Hypervisor unavailable"))
      #expect(error?["detail"] == .string("It was away."))
      #expect(error?["extensions"]?["left"] == .string("rolled_back"))
    }
  }

  @Test func `A completed restore tells what it did`() async throws {
    try await World.with { world, client in
      let until = World.start.advanced(by: .seconds(86_400))
      let job = try await world.addJob {
        $0.state = .completed
        $0.finishedAt = $0.createdAt
        $0.result = .restore(
          RestoreResult(
            targetVPSID: world.target.id,
            sourceVPSID: world.source.id,
            backupID: world.backup.id,
            strategy: .staged,
            bytesRead: 1,
            bytesWritten: 2,
            bytesReused: 3,
            downtime: Downtime(
              shutdownMilliseconds: 4,
              exchangeMilliseconds: 5,
              startMilliseconds: 6
            ),
            network: NetworkOutcome(
              reapplied: true,
              confirmed: false,
              confirmedReason: .noAgent,
              addresses: ["192.0.2.20"]
            ),
            verified: true,
            undoUntil: until
          )
        )
      }
      let json = try await Self.poll(world, client, job)
      let result = try #require(json["operation"]?["result"])
      #expect(result == json["data"]?["result"])
      #expect(
        result.names == [
          "targetVpsId", "sourceVpsId", "backupId", "strategy", "bytesRead", "bytesWritten",
          "bytesReused", "downtimeMilliseconds", "downtime", "network", "verified",
          "undoUntil", "notes",
        ]
      )
      #expect(result["targetVpsId"] == .string(world.target.id.text))
      #expect(result["downtimeMilliseconds"] == .number("15"))
      #expect(result["downtime"]?.names == ["shutdown", "exchange", "start"])
      #expect(
        result["network"]?.names == ["reapplied", "confirmed", "confirmedReason", "addresses"]
      )
      #expect(result["network"]?["confirmedReason"] == .string("no_agent"))
      #expect(result["undoUntil"] == .string("2026-04-28T12:34:56.000Z"))
    }
  }

  @Test func `A queued job is cancelled at once, and only once`() async throws {
    try await World.with { world, client in
      let job = try await world.addJob()
      let cancel = Question("POST", "/api/jobs/\(job.id)/actions/cancel", key: world.key)
      let answer = try await cancel.ask(client)
      #expect(answer.status == 202)
      #expect(answer.json["operation"]?["jobId"] == .string(job.id.text))
      let json = try await Self.poll(world, client, job)
      #expect(json["operation"]?["status"] == .string("failed"))
      #expect(json["operation"]?["error"]?["code"] == .string("job_cancelled"))
      #expect(json["data"]?["state"] == .string("cancelled"))
      let again = try await cancel.ask(client)
      #expect(again.status == 409)
      #expect(again.code == "job_not_cancellable")
    }
  }

  @Test func `An undo is a new job, until the former disk is gone`() async throws {
    try await World.with { world, client in
      let restore = try await world.addUndoableRestore()
      let undo = Question("POST", "/api/jobs/\(restore.id)/actions/undo", key: world.key)
      let answer = try await undo.ask(client)
      #expect(answer.status == 202)
      let job = try #require(answer.json["operation"]?["jobId"]?.text)
      #expect(job != restore.id.text)
    }
    try await World.with { world, client in
      let restore = try await world.addUndoableRestore()
      world.clock.advance(by: .seconds(86_400))
      let answer = try await Question(
        "POST",
        "/api/jobs/\(restore.id)/actions/undo",
        key: world.key
      ).ask(client)
      #expect(answer.status == 409)
      #expect(answer.code == "undo_expired")
    }
  }

  @Test(arguments: ["job_01hxa3b4c5d6e7f8g9h0j1k2m3", "nonsense"])
  func `Unknown and malformed identifiers aren't found`(_ id: String) async throws {
    try await World.with { world, client in
      for path in ["", "/actions/cancel", "/actions/undo"] {
        let method = path.isEmpty ? "GET" : "POST"
        let answer = try await Question(method, "/api/jobs/\(id)\(path)", key: world.key)
          .ask(client)
        #expect(answer.status == 404)
      }
    }
  }
}
