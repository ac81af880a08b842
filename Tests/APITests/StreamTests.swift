import API
import Logging
import Model
import ServiceLifecycle
import TestSupport
import Testing

/// HTTP/2 connections with a client that does as it likes, and their end.
@Suite(.scratchDirectory, .timeLimit(.minutes(5))) struct StreamTests {
  /// Runs a test against a server that it can end, and waits until it has ended.
  private static func withEnd(
    configure: @escaping @Sendable (inout APIConfiguration) -> Void,
    _ body: @escaping @Sendable (World, RawConnection, ServiceGroup) async throws -> Void
  ) async throws {
    let certificate = try await TestCertificate("first")
    try await World.with(configure: configure, identity: certificate.identity()) { world, _ in
      let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
          services: [.init(service: world.server.service)],
          logger: Logger(label: "rehome.tests")
        )
      )
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        let connection = RawConnection(port: try await world.whenListening()).trusting(certificate)
        try await body(world, connection, group)
        try await tasks.waitForAll()
      }
    }
  }

  /// A POST whose body is still to come, and the server's word that it has its head.
  private static func beginPost(_ world: World, _ streams: inout RawStreams) async throws {
    try await streams.begin()
    try await streams.send(
      .headers(
        1,
        "POST",
        "/api/v2/vps/\(world.source.id)/backups",
        [("authorization", "Bearer \(world.key)"), ("content-type", "application/json")],
        isLast: false
      ),
      RawFrame(kind: .ping, payload: [1, 2, 3, 4, 5, 6, 7, 8])
    )
    let answer = try #require(await streams.next(.ping))
    #expect(answer.isLast && answer.payload == [1, 2, 3, 4, 5, 6, 7, 8])
  }

  @Test func `What has begun is answered, the client is told of the end, and nothing new begins`()
    async throws
  {
    // A server that had to cut anything off would take an hour to end.
    try await Self.withEnd(configure: {
      $0.connections.drain = .seconds(3600)
      $0.connections.body = .seconds(3600)
    }) { world, connection, group in
      try await connection.streams { streams in
        try await Self.beginPost(world, &streams)
        await group.triggerGracefulShutdown()
        let first = try #require(await streams.next(.goAway))
        #expect(RawFrame.word(first.payload) == 0x7FFF_FFFF)
        var ping = try #require(await streams.next(.ping))
        ping.flags = 1
        try await streams.send(ping)
        let second = try #require(await streams.next(.goAway))
        #expect(RawFrame.word(second.payload) == 1)
        #expect(RawFrame.word(second.payload.dropFirst(4)) == 0, "no error")
        try await streams.send(
          .headers(3, "GET", "/healthz"),
          RawFrame(kind: .data, flags: 1, stream: 1, payload: Array("{}".utf8))
        )
        let frames = await streams.rest()
        #expect(!frames.contains { $0.stream == 3 && $0.kind != .reset })
        let answer = frames.filter { $0.stream == 1 && $0.kind == .data }
        #expect(answer.last?.isLast == true)
        let text = String(decoding: answer.flatMap(\.payload), as: UTF8.self)
        #expect(text.contains(#""pollUrl":"/api/jobs/job_"#), "\(text)")
      }
      // Nobody else gets in.
      await #expect(throws: (any Error).self) { try await connection.streams { _ in } }
    }
  }

  @Test func `An answer that waits for its reader is taken to its end`() async throws {
    try await Self.withEnd(configure: { $0.connections.drain = .seconds(3600) }) {
      _,
      connection,
      group in
      try await connection.streams { streams in
        try await streams.begin()
        try await streams.send(.headers(1, "GET", "/api/openapi.json"))
        // As much as the client's window takes, which is the protocol's own at first.
        var bytes: [UInt8] = []
        while bytes.count < 65_535 { bytes += try #require(await streams.next(.data)).payload }
        await group.triggerGracefulShutdown()
        _ = try #require(await streams.next(.goAway))
        var ping = try #require(await streams.next(.ping))
        ping.flags = 1
        let room = RawFrame.word(1 << 24)
        try await streams.send(
          ping,
          RawFrame(kind: .window, payload: room),
          RawFrame(kind: .window, stream: 1, payload: room)
        )
        let rest = await streams.rest().filter { $0.kind == .data }
        #expect(rest.last?.isLast == true)
        bytes += rest.flatMap(\.payload)
        #expect(try JSONReader.read(bytes, depthLimit: 64) == Contract.document)
      }
    }
  }

  @Test(arguments: [false, true])
  func `The end waits for no client that answers nothing`(_ hasStream: Bool) async throws {
    try await Self.withEnd(configure: {
      $0.connections.drain = .seconds(3600)
      $0.connections.body = .milliseconds(300)
    }) { world, connection, group in
      try await connection.streams { streams in
        if hasStream {
          try await Self.beginPost(world, &streams)
        } else {
          try await streams.begin()
          _ = await streams.next(.settings)
        }
        await group.triggerGracefulShutdown()
        let frames = await streams.rest()
        #expect(frames.contains { $0.kind == .goAway })
        let text = String(decoding: frames.flatMap(\.payload), as: UTF8.self)
        #expect(text.contains("request_timeout") == hasStream)
      }
    }
  }

  @Test func `A stream that doesn't end is cut off when the server's time is over`() async throws {
    try await Self.withEnd(configure: {
      $0.connections.drain = .milliseconds(300)
      $0.connections.body = .seconds(3600)
    }) { world, connection, group in
      try await connection.streams { streams in
        try await Self.beginPost(world, &streams)
        await group.triggerGracefulShutdown()
        _ = try #require(await streams.next(.goAway))
        let frames = await streams.rest()
        #expect(!frames.contains { $0.kind == .data && $0.isLast && !$0.payload.isEmpty })
      }
    }
  }

  @Test(arguments: [false, true])
  func `A connection on which nothing is asked is ended, answer or not`(
    _ begins: Bool
  ) async throws {
    let certificate = try await TestCertificate("first")
    try await World.live(
      configure: { $0.connections.idle = .milliseconds(300) },
      identity: certificate.identity()
    ) { _, connection in
      try await connection.trusting(certificate).streams { streams in
        if begins { try await streams.begin() }
        _ = await streams.rest()
      }
    }
  }

  @Test func `An answer that the client gives no room for is let go`() async throws {
    let certificate = try await TestCertificate("first")
    try await World.live(
      configure: { $0.connections.write = .milliseconds(300) },
      identity: certificate.identity()
    ) { _, connection in
      try await connection.trusting(certificate).streams { streams in
        // The initial window of streams, setting 4, is nothing.
        try await streams.begin(settings: [0, 4, 0, 0, 0, 0])
        try await streams.send(.headers(1, "GET", "/healthz"))
        let reset = try #require(await streams.next(.reset))
        #expect(reset.stream == 1)
      }
    }
  }
}
