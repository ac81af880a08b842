import Catalog
import Foundation
import HTTPTypes
import HummingbirdTesting
import Model
import NIOCore
import Operations
import TestSupport
import Testing

@testable import API

/// `GET /api/jobs/{jobId}/events`, over a real socket.
@Suite(.timeLimit(.minutes(5))) struct EventTests {
  /// One event as a client reads it.
  struct Event: Equatable {
    var id: String
    var name: String
    var status: String?
    var percent: String?
  }

  private static func events(_ text: String) throws -> [Event] {
    try text.components(separatedBy: "\n\n").compactMap { block in
      let lines = block.split(separator: "\n").map(String.init)
      func field(_ name: String) -> String? {
        lines.first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
      }
      guard let name = field("event"), let id = field("id"), let data = field("data") else {
        return nil
      }
      let json = try JSONReader.read(Array(data.utf8), depthLimit: Limits.jsonDepth)
      var percent: String?
      if case .number(let text)? = json["progress"]?["percent"] { percent = text }
      return Event(id: id, name: name, status: json["status"]?.text, percent: percent)
    }
  }

  private static func path(_ job: Job) -> String { "/api/jobs/\(job.id)/events" }

  /// Follows a job with curl until the stream ends, and tells everything that it was sent.
  private static func follow(_ world: World, _ job: Job, port: Int, to file: String) async throws {
    try await TestProcess.run(
      "curl",
      [
        "-sS", "-N", "-i", "--max-time", "60", "-o", file, "-H",
        "Authorization: Bearer \(world.key)", "http://127.0.0.1:\(port)\(path(job))",
      ]
    )
  }

  private static func text(_ file: String) -> String {
    (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
  }

  /// Waits until what curl has written is as it should be.
  private static func until(_ file: String, _ condition: (String) throws -> Bool) async throws {
    while try !condition(text(file)) { try await Task.sleep(for: .milliseconds(5)) }
  }

  @Test func `Who has left gives his place back at once`() async throws {
    try await World.live { world, connection in
      let job = try await world.addJob()
      let request = """
        GET \(Self.path(job)) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(world.key)\r\n\r\n
        """
      for _ in 0...Limits.eventStreamsPerKey * 2 {
        // That nothing comes any more is how a server sees that somebody has left.
        let text = try await connection.send(Array(request.utf8), thenFinish: true)
        #expect(text.isEmpty || text.hasPrefix("HTTP/1.1 200"), "\(text)")
      }
    }
  }

  @Test(.scratchDirectory)
  func `a job is followed to its end, at most one progress a second`() async throws {
    let file = "\(ScratchDirectory.path)/events"
    try await World.with { world, _ in
      let (job, lease) = try await world.runningJob()
      try await world.server.application.test(.live) { client in
        let port = try #require(client.port)
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { try await Self.follow(world, job, port: port, to: file) }
          try await Self.until(file) { try Self.events($0).count == 1 }
          // The router's own server of this world waits as well.
          await world.pulse.whenSleeping(2)
          try await world.report(lease, percent: 40)
          world.pass(Limits.eventInterval)
          try await Self.until(file) { try Self.events($0).count == 2 }
          await world.pulse.whenSleeping(2)
          // Nothing new, nothing told, until the silence is too long.
          world.pass(Limits.eventKeepAlive)
          try await Self.until(file) { $0.contains(": keep-alive\n\n") }
          await world.pulse.whenSleeping(2)
          try await world.finish(lease, .completed)
          world.pass(Limits.eventInterval)
          try await group.waitForAll()
        }
      }
      let head = Self.text(file)
      #expect(head.contains("HTTP/1.1 200"))
      #expect(head.contains("Content-Type: text/event-stream\r\n"))
      #expect(head.contains("retry: 3000\n\n"))
      let events = try Self.events(head)
      #expect(events.map(\.name) == ["progress", "progress", "completed"])
      #expect(events.map(\.percent) == ["0", "40", "40"])
      #expect(events.map(\.status) == ["in_progress", "in_progress", "completed"])
      #expect(events.last?.id == "end")
    }
  }

  @Test(arguments: [(JobState.completed, "completed"), (.failed, "failed"), (.cancelled, "failed")])
  func `a job that has ended has one event, and then no more`(
    _ row: (state: JobState, name: String)
  ) async throws {
    try await World.with { world, client in
      let job = try await world.addJob {
        $0.state = row.state
        $0.finishedAt = $0.createdAt
      }
      let answer = try await world.raw(Self.path(job), client)
      #expect(answer.status == 200)
      #expect(
        try Self.events(answer.text) == [
          Event(id: "end", name: row.name, status: row.name, percent: "0")
        ]
      )
      // Who has had the last word and comes back is sent away for good.
      try await Question(
        "GET",
        Self.path(job),
        key: world.key,
        headers: ["Last-Event-ID": "end"]
      ).expect(204, client)
      let other = try await world.raw(Self.path(job), client, headers: ["Last-Event-ID": "17"])
      #expect(other.status == 200)
    }
  }

  @Test func `the data of an event is the operation of the poll`() async throws {
    try await World.with { world, client in
      let job = try await world.addJob {
        $0.state = .completed
        $0.finishedAt = $0.createdAt
      }
      let poll = try await Question("GET", "/api/jobs/\(job.id)", key: world.key).ask(client)
      let text = try await world.raw(Self.path(job), client).text
      let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("data: ") })
      let data = try JSONReader.read(Array(line.dropFirst(6).utf8), depthLimit: 16)
      #expect(data == poll.json["operation"])
    }
  }

  @Test func `another client's job isn't there, and without a key nothing is`() async throws {
    try await World.with { world, client in
      let path = Self.path(try await world.addJob())
      try await Question("GET", path, key: world.foreignKey).expect(404, client)
      try await Question("GET", path).expect(401, client)
      try await Question("GET", "/api/jobs/nonsense/events", key: world.key).expect(404, client)
    }
  }

  @Test(.scratchDirectory) func `an open stream doesn't hold up the server's end`() async throws {
    let file = "\(ScratchDirectory.path)/events"
    try await World.with { world, _ in
      let job = try await world.runningJob().job
      let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          let port = try #require(await ports.first { _ in true })
          try await Self.follow(world, job, port: port, to: file)
        }
        try await world.server.application.test(.live) { client in
          continuation.yield(try #require(client.port))
          try await Self.until(file) { try Self.events($0).count == 1 }
        }
        // The server has ended by now; the client was told nothing wrong.
        try await group.waitForAll()
      }
      #expect(try Self.events(Self.text(file)).map(\.name) == ["progress"])
    }
  }
}

extension World {
  /// Lets time pass, for what tells it and for the server that waits.
  func pass(_ duration: Duration) {
    clock.advance(by: duration)
    pulse.advance(by: duration)
  }

  /// Asks for something that isn't JSON.
  func raw(
    _ path: String,
    _ client: any TestClientProtocol,
    headers: [String: String] = [:]
  ) async throws -> (status: Int, text: String) {
    var fields = HTTPFields()
    fields[.authorization] = "Bearer \(key)"
    for (name, value) in headers { fields[try #require(HTTPField.Name(name))] = value }
    let answer = try await client.execute(uri: path, method: .get, headers: fields)
    return (answer.status.code, String(buffer: answer.body))
  }

  /// A job that a worker has, and the worker's lease.
  func runningJob() async throws -> (job: Job, lease: Lease) {
    let job = try await addJob()
    let (now, until) = (clock.now(), clock.now().advanced(by: .seconds(86_400)))
    _ = try await operations.write { transaction in
      try transaction.claimJob(node: "local", token: "token", now: now, leaseUntil: until)
    }
    return (job, Lease(jobID: job.id, token: "token", until: until))
  }

  /// Shows progress of a job as its worker would.
  func report(_ lease: Lease, percent: Int) async throws {
    let progress = JobProgress(step: "stage", percent: percent)
    #expect(try await operations.write { try $0.setProgress(progress, lease: lease) })
  }

  /// Ends a job as its worker would.
  func finish(_ lease: Lease, _ state: JobState) async throws {
    let now = clock.now()
    #expect(
      try await operations.write {
        try $0.finish(lease, state: state, result: nil, failure: nil, at: now)
      }
    )
  }
}
