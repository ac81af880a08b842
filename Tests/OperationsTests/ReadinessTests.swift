import Model
import Operations
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

/// What `/readyz` knows of the parts.
@Suite(.timeLimit(.minutes(2))) struct ReadinessTests {
  /// A part that a test has in hand.
  final class Lever: Sendable {
    private let state = Mutex(ReadinessPart.State.ready)
    private let looks = Mutex(0)

    var count: Int { looks.withLock { $0 } }

    func set(_ new: ReadinessPart.State) { state.withLock { $0 = new } }

    func part(_ name: String) -> ReadinessPart {
      ReadinessPart(name) {
        self.looks.withLock { $0 += 1 }
        return self.state.withLock { $0 }
      }
    }
  }

  @Test func `a part is not ready before it was looked at, and then as it was seen`() async {
    let lever = Lever()
    let readiness = Readiness(parts: [lever.part("disk")], clock: ManualClock())
    #expect(readiness.problems == ["disk": "not looked at yet"])
    await readiness.lookOnce()
    #expect(readiness.problems == ["disk": nil])
    lever.set(.away("full"))
    #expect(readiness.problems == ["disk": nil])
    await readiness.lookOnce()
    #expect(readiness.problems == ["disk": "full"])
  }

  @Test func `it looks again and again until the server ends`() async throws {
    let clock = ManualClock()
    let lever = Lever()
    let readiness = Readiness(
      parts: [lever.part("disk")],
      clock: clock,
      timer: clock.timer
    )
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(services: [readiness], logger: .quiet)
    )
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      await clock.whenSleeping(1)
      #expect(lever.count == 1)
      #expect(readiness.problems == ["disk": nil])
      lever.set(.away("gone"))
      clock.advance(by: Limits.readinessInterval)
      await clock.whenSleeping(1)
      #expect(readiness.problems == ["disk": "gone"])
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  @Test func `a part that doesn't answer is told as such, and nobody waits for it`() async {
    let clock = ManualClock()
    let (release, continuation) = AsyncStream.makeStream(of: Void.self)
    let (begun, began) = AsyncStream.makeStream(of: Void.self)
    let healthy = Lever()
    let readiness = Readiness(
      parts: [
        healthy.part("other"),
        ReadinessPart("disk") {
          began.yield()
          for await _ in release { break }
          return .ready
        },
      ],
      clock: clock
    )
    await withDiscardingTaskGroup { group in
      group.addTask { await readiness.lookOnce() }
      for await _ in begun { break }
      clock.advance(by: Limits.readinessPatience)
      #expect(readiness.problems["disk"] == "not answering")
      continuation.yield()
    }
    #expect(readiness.problems == ["disk": nil, "other": nil])
  }
}
