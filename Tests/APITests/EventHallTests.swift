import Catalog
import CoreMetrics
import Logging
import Model
import Operations
import Synchronization
import TestSupport
import Testing

@testable import API

/// Who may watch, for how long, and what becomes of those who don't listen.
@Suite(.timeLimit(.minutes(5))) struct EventHallTests {
  /// Whether a connection was closed.
  final class Door: Sendable {
    private let closings = Mutex(0)

    var isClosed: Bool { closings.withLock { $0 > 0 } }

    func close() { closings.withLock { $0 += 1 } }
  }

  private static func hall(_ world: World) -> JobEvents {
    JobEvents(
      operations: world.operations,
      clock: world.clock,
      timer: world.clock.timer,
      metrics: world.figures,
      logger: .quiet
    )
  }

  private static func keyID(_ world: World) throws -> KeyID { try #require(KeyText(world.key)).id }

  private static func heard(_ seat: EventSeat) async -> [JobEvent] {
    var events: [JobEvent] = []
    for await event in seat.events { events.append(event) }
    return events
  }

  @Test func `a key has so many streams, and gets a place back with each that ends`() async throws {
    try await World.with { world, _ in
      let hall = Self.hall(world)
      let job = try await world.addJob()
      let key = try Self.keyID(world)
      var seats = try (0..<Limits.eventStreamsPerKey).map { _ in
        try hall.sit(watching: job, keyID: key) {}
      }
      #expect(throws: SeatsTaken(limit: Limits.eventStreamsPerKey)) {
        try hall.sit(watching: job, keyID: key) {}
      }
      let other: KeyID = world.operations.identifiers.make()
      #expect(throws: Never.self) { try hall.sit(watching: job, keyID: other) {} }
      // Ended is not left: the connection is still there.
      seats[0].end()
      #expect(throws: SeatsTaken(limit: Limits.eventStreamsPerKey)) {
        try hall.sit(watching: job, keyID: key) {}
      }
      seats.removeFirst()
      #expect(throws: Never.self) { try hall.sit(watching: job, keyID: key) {} }
    }
  }

  @Test func `all keys of a client, and all clients, together have so many streams`() async throws {
    try await World.with { world, _ in
      let hall = Self.hall(world)
      var job = try await world.addJob()
      var seats: [EventSeat] = []
      for count in 0..<Limits.eventStreams {
        let key: KeyID = world.operations.identifiers.make()
        if count > 0, count.isMultiple(of: Limits.eventStreamsPerClient) {
          #expect(throws: SeatsTaken(limit: Limits.eventStreamsPerClient)) {
            try hall.sit(watching: job, keyID: key) {}
          }
          job.clientID = world.operations.identifiers.make()
        }
        seats.append(try hall.sit(watching: job, keyID: key) {})
      }
      job.clientID = world.operations.identifiers.make()
      #expect(throws: SeatsTaken(limit: Limits.eventStreams)) {
        try hall.sit(watching: job, keyID: world.operations.identifiers.make()) {}
      }
      #expect(seats.count == Limits.eventStreams)
    }
  }

  @Test func `One stream too many is told of the streams, not of the requests`() async throws {
    try await World.with { world, client in
      let job = try await world.addJob()
      let seats = try (0..<Limits.eventStreamsPerKey).map { _ in
        try world.server.events.sit(watching: job, keyID: Self.keyID(world)) {}
      }
      let answer = try await Question("GET", "/api/jobs/\(job.id)/events", key: world.key)
        .ask(client)
      #expect(answer.status == 429 && answer.code == "rate_limit_exceeded")
      #expect(answer.header("Retry-After") == "5")
      #expect(answer.header("X-RateLimit-Limit") == "\(seats.count)")
      #expect(answer.header("X-RateLimit-Remaining") == "0")
      let reset = world.clock.now().advanced(by: .seconds(5)).text
      #expect(answer.header("X-RateLimit-Reset") == reset)
    }
  }

  @Test func `a stream whose key was revoked ends at the next look, without a last word`()
    async throws
  {
    try await World.with { world, _ in
      let hall = Self.hall(world)
      let job = try await world.addJob()
      let key = try Self.keyID(world)
      let seat = try hall.sit(watching: job, keyID: key) {}
      await hall.look()
      _ = try await world.operations.revokeKey(world.system, key.text)
      await hall.look()
      #expect(await Self.heard(seat) == [.progress(job)])
    }
  }

  @Test func `who sits down while the catalog is asked keeps the place`() async throws {
    try await World.with { world, _ in
      let catalog = WatchedCatalog(try SQLiteCatalog(path: world.catalogPath))
      let hall = JobEvents(
        operations: Operations(catalog: catalog, clock: world.clock),
        clock: world.clock,
        timer: world.clock.timer,
        metrics: world.figures,
        logger: .quiet
      )
      let job = try await world.addJob()
      let late = try #require(KeyText(world.foreignKey)).id
      let first = try hall.sit(watching: job, keyID: try Self.keyID(world)) {}
      let seat = Mutex<EventSeat?>(nil)
      catalog.interrupt {
        let taken = try? hall.sit(watching: job, keyID: late) {}
        seat.withLock { $0 = taken }
      }
      await hall.look()
      _ = try await world.operations.perform(
        world.operations.cancelJob(world.system, job.id.text)
      )
      await hall.look()
      let second = try #require(seat.withLock { $0 })
      for seat in [first, second] {
        guard case .last? = await Self.heard(seat).last else {
          Issue.record("ended without a last word")
          continue
        }
      }
    }
  }

  @Test func `a reader that doesn't read holds one event, and loses its connection in the end`()
    async throws
  {
    try await World.with { world, _ in
      let hall = Self.hall(world)
      let (job, lease) = try await world.runningJob()
      let door = Door()
      let seat = try hall.sit(watching: job, keyID: try Self.keyID(world)) { door.close() }
      for percent in 1...20 {
        try await world.report(lease, percent: percent)
        world.clock.advance(by: Limits.eventInterval)
        await hall.look()
      }
      #expect(!door.isClosed)
      world.clock.advance(by: Limits.eventPatience)
      await hall.look()
      #expect(door.isClosed)
      seat.end()
      let heard = await Self.heard(seat)
      #expect(heard.count == 1)
      guard case .progress(let newest)? = heard.first else {
        Issue.record("\(heard)")
        return
      }
      // The keep-alive of the long silence didn't take its place.
      #expect(newest.progress.percent == 20)
    }
  }

  @Test func `a stream that was ended has a moment for its last word`() async throws {
    try await World.with { world, _ in
      let hall = Self.hall(world)
      let door = Door()
      let seat = try hall.sit(watching: try await world.addJob(), keyID: nil) { door.close() }
      seat.end()
      await hall.look()
      #expect(!door.isClosed)
      world.clock.advance(by: Limits.eventFarewell)
      await hall.look()
      #expect(door.isClosed)
      #expect(await Self.heard(seat).count == 1)
    }
  }

  @Test func `the last word is never lost to a slow reader`() async throws {
    try await World.with { world, _ in
      let hall = Self.hall(world)
      let (job, lease) = try await world.runningJob()
      let seat = try hall.sit(watching: job, keyID: nil) {}
      try await world.report(lease, percent: 7)
      world.clock.advance(by: Limits.eventInterval)
      await hall.look()
      try await world.finish(lease, .failed)
      await hall.look()
      await hall.look()
      let heard = await Self.heard(seat)
      guard heard.count == 1, case .last(let ended)? = heard.first else {
        Issue.record("\(heard)")
        return
      }
      #expect(ended.state == .failed)
    }
  }

  @Test func `two progress events are a second apart however fast a job is`() async throws {
    try await World.with { world, _ in
      var job = try await world.addJob { $0.state = .running }
      var pace = EventPace(job, at: world.clock.now())
      var told = 0
      for step in 1...40 {
        world.clock.advance(by: .milliseconds(100))
        job.progress.percent = step
        if case .progress? = pace.see(job, at: world.clock.now()) { told += 1 }
      }
      #expect(told == 4)
    }
  }
}
