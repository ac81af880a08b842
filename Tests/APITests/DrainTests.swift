import Logging
import Model
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import API

/// Something that is set once.
private final class Flag: Sendable {
  private let value: Mutex<Bool>

  init(_ value: Bool) { self.value = Mutex(value) }

  func set(_ new: Bool) { value.withLock { $0 = new } }
  func get() -> Bool { value.withLock { $0 } }
}

/// How the server ends.
@Suite(.timeLimit(.minutes(5))) struct DrainTests {
  /// A server that ends only when it is cut off.
  private struct Stubborn: Service {
    let wasCut: Flag

    func run() async throws {
      do { try await Task.sleep(for: .seconds(3600)) } catch { wasCut.set(true) }
    }
  }

  /// One that ends as soon as it is told.
  private struct Willing: Service {
    func run() async throws { try await gracefulShutdown() }
  }

  private static func run(_ service: some Service) async throws {
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
        logger: Logger(label: "rehome.tests")
      )
    )
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  @Test func `What doesn't end in time is cut off`() async throws {
    let wasCut = Flag(false)
    try await Self.run(
      BoundedDrain(
        server: Stubborn(wasCut: wasCut),
        drain: .milliseconds(50),
        logger: Logger(label: "rehome.tests")
      )
    )
    #expect(wasCut.get())
  }

  @Test func `A request that has begun is answered, then the server has ended`() async throws {
    try await World.with { world, _ in
      let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
          services: [.init(service: world.server.service)],
          logger: Logger(label: "rehome.tests")
        )
      )
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        let connection = RawConnection(port: try await world.whenListening())
        let head = """
          POST /api/v2/vps/\(world.source.id)/backups HTTP/1.1\r\nHost: x\r\n\
          Authorization: Bearer \(world.key)\r\nContent-Type: application/json\r\n\
          Expect: 100-continue\r\nContent-Length: 2\r\n\r\n
          """
        let answers = try await connection.talk([head, "{}"]) {
          await group.triggerGracefulShutdown()
          // The end has begun when nobody else gets in.
          while (try? await connection.send([], thenFinish: true)) != nil {
            try await Task.sleep(for: .milliseconds(5))
          }
        }
        #expect(answers.map(\.status) == [100, 202])
        try await tasks.waitForAll()
      }
    }
  }

  @Test func `What ends in time isn't waited for any longer`() async throws {
    try await Self.run(
      BoundedDrain(
        server: Willing(),
        drain: .seconds(3600),
        logger: Logger(label: "rehome.tests")
      )
    )
  }
}
