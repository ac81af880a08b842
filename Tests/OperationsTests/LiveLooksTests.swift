import Hypervisor
import Model
import Synchronization
import TestSupport
import Testing

@testable import Operations

/// Who looks, who waits for another's look, and when nobody looks.
@Suite(.timeLimit(.minutes(1))) struct LiveLooksTests {
  /// How often something was done.
  private final class Count: Sendable {
    private let value = Mutex(0)
    var now: Int { value.withLock { $0 } }
    func add() { value.withLock { $0 += 1 } }
  }

  private static let status = LiveStatus(
    powerState: .running,
    memoryTotalBytes: 1,
    storageTotalBytes: 1
  )

  @Test func `All who ask at the same time share one look`() async {
    let clock = ManualClock()
    let looks = LiveLooks(clock: clock)
    let identifiers = IdentifierFactory(clock: clock)
    let id: VPSID = identifiers.make()
    let count = Count()
    let (gate, open) = AsyncStream<Never>.makeStream()
    let outcomes = await withTaskGroup(of: LiveLooks.Outcome.self) { group in
      for _ in 0..<20 {
        group.addTask {
          await looks.outcome(of: id) {
            count.add()
            for await _ in gate {}
            return .seen(Self.status)
          }
        }
      }
      // Another machine isn't kept waiting.
      #expect(await looks.outcome(of: identifiers.make()) { .unseen } == .unseen)
      while looks.waiting(for: id) < 19 { await Task.yield() }
      open.finish()
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes == Array(repeating: .seen(Self.status), count: 20))
    #expect(count.now == 1)
    // The next one looks again.
    #expect(await looks.outcome(of: id) { .unseen } == .unseen)
  }

  @Test func `A machine that was silent is left alone for a while`() async {
    let clock = ManualClock()
    let looks = LiveLooks(clock: clock)
    let id: VPSID = IdentifierFactory(clock: clock).make()
    #expect(await looks.outcome(of: id) { .silent } == .silent)
    #expect(await looks.outcome(of: id) { .seen(Self.status) } == .silent)
    clock.advance(by: Limits.liveStatusRest)
    #expect(await looks.outcome(of: id) { .seen(Self.status) } == .seen(Self.status))
  }

  @Test(arguments: [
    (HypervisorError.timedOut(operation: "usage"), 1), (.unavailable("gone"), 2),
    (.domainMissing("a"), 2),
  ])
  func `Only silence is a reason not to look again`(error: HypervisorError, looks: Int) async throws
  {
    try await OperationsWorld.with { world in
      let host = SimulatedHypervisor()
      await host.setFault(.failAlways(error), of: .usage)
      let vps = world.target
      let source = NodeStatusSource(node: vps.node, hypervisor: host, clock: ManualClock())
      for _ in 0..<2 { #expect(await source.status(of: vps) == nil) }
      #expect(await host.calls.count == looks)
    }
  }
}
