import Logging
import Model
import Monitoring
import ServiceLifecycle
import TestSupport
import Testing

@testable import API

/// How many connections one address may have.
@Suite(.timeLimit(.minutes(5))) struct ConnectionCountTests {
  private static let health = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
  private static let last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

  /// What a new connection is answered; nothing when it is closed at once.
  private static func statuses(_ connection: RawConnection) async -> [Int] {
    do {
      return try await connection.answers(to: last).map(\.status)
    } catch {
      // An end that meets bytes on their way comes as an error.
      return []
    }
  }

  /// Runs a test against a server that nobody but the test has a connection to.
  private static func listening(
    configure: @Sendable (inout APIConfiguration) -> Void,
    identity: TLSIdentity? = nil,
    _ body: @escaping @Sendable (RawConnection) async throws -> Void
  ) async throws {
    try await World.with(configure: configure, identity: identity) { world, _ in
      let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
          services: [.init(service: world.server.service)],
          logger: Logger(label: "rehome.tests")
        )
      )
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        try await body(RawConnection(port: try await world.whenListening()))
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
      }
    }
  }

  @Test func `Addresses are counted apart, IPv6 by its 64 bits, and forgotten with their last`() {
    let registry = MetricRegistry()
    let counts = ConnectionCounts(
      maximum: 2,
      exempt: ["10.0.0.0/8"].compactMap(AddressRange.init),
      metrics: registry
    )
    let one = AddressBlock("192.0.2.1")
    let six = AddressBlock("2001:db8:0:1::")
    #expect(counts.enter("192.0.2.1") == .counted(one))
    #expect(counts.enter("::ffff:192.0.2.1") == .counted(one))
    #expect(counts.enter("192.0.2.1") == .refused)
    #expect(counts.enter("2001:db8:0:1::7") == .counted(six))
    #expect(counts.enter("2001:db8:0:1:ffff::7") == .counted(six))
    #expect(counts.enter("2001:db8:0:1:8::") == .refused)
    #expect(counts.enter("2001:db8:0:2::7") == .counted(AddressBlock("2001:db8:0:2::")))
    for _ in 0..<5 { #expect(counts.enter("10.1.2.3") == .exempt) }
    #expect(counts.addresses == 3)
    counts.leave(one)
    #expect(counts.enter("192.0.2.1") == .counted(one))
    for block in [one, one, six, six, AddressBlock("2001:db8:0:2::")] { counts.leave(block) }
    #expect(counts.addresses == 0)
    let text = ExpositionText.of(registry.families())
    #expect(text.contains("\nrehome_http_connections_refused_total 2\n"))
  }

  @Test func `One connection too many is closed, until another has ended`() async throws {
    try await Self.listening(configure: { $0.connections.maximumPerAddress = 2 }) { connection in
      let first = try await connection.talk([Self.health, Self.last]) {
        let second = try await connection.talk([Self.health, Self.last]) {
          for _ in 0..<3 { #expect(await Self.statuses(connection).isEmpty) }
        }
        #expect(second.map(\.status) == [200, 200], "it is left alone")
        // Its end may be known here before the server has heard of it.
        while await Self.statuses(connection) != [200] {
          try await Task.sleep(for: .milliseconds(5))
        }
      }
      #expect(first.map(\.status) == [200, 200])
    }
  }

  @Test func `A trusted proxy has as many as it needs`() async throws {
    try await Self.listening(configure: {
      $0.connections.maximumPerAddress = 1
      $0.trustedProxies = ["127.0.0.0/8"].compactMap(AddressRange.init)
    }) { connection in
      _ = try await connection.talk([Self.health, Self.last]) {
        #expect(await Self.statuses(connection) == [200])
      }
    }
  }

  @Test(.scratchDirectory) func `Under TLS it is closed before the handshake`() async throws {
    let certificate = try await TestCertificate("first")
    try await Self.listening(
      configure: { $0.connections.maximumPerAddress = 1 },
      identity: certificate.identity()
    ) { plain in
      let connection = plain.trusting(certificate)
      _ = try await connection.talk([Self.health, Self.last]) {
        #expect(await Self.statuses(connection).isEmpty)
      }
    }
  }
}
