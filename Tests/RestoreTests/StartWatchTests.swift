import Hypervisor
import Model
import Operations
import Synchronization
import TestSupport
import Testing

@testable import Restore

@Suite(.timeLimit(.minutes(1)))
struct StartWatchTests {
  private static let reference = DomainReference(name: "target", uuid: "uuid-target")

  private static func host() -> SimulatedHypervisor {
    let machines = ["target", "other"].map { name in
      SimulatedHypervisor.Machine(
        DomainDescription(
          name: name,
          uuid: "uuid-\(name)",
          state: .stopped,
          definition: DomainXML(name: name, uuid: "uuid-\(name)", disks: [])
        )
      )
    }
    return SimulatedHypervisor(machines)
  }

  private static func seesStart(
    within patience: Duration,
    _ body: @escaping @Sendable (SimulatedHypervisor) async throws -> Void
  ) async throws -> Bool {
    let host = host()
    let watch = StartWatch(reference, on: host, ContinuousClock())
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await watch.run() }
      try await body(host)
      try await watch.look()
      // Events come when they come.
      let deadline = ContinuousClock.now + patience
      while !watch.hasSeenStart, ContinuousClock.now < deadline { await Task.yield() }
      group.cancelAll()
      return watch.hasSeenStart
    }
  }

  @Test func `a start that is over already is known by its event`() async throws {
    let isSeen = try await Self.seesStart(within: .seconds(30)) { host in
      try await host.start(Self.reference)
      try await host.destroy(Self.reference, graceful: false)
    }
    #expect(isSeen)
  }

  @Test func `a start whose event got lost is known by the state`() async throws {
    let isSeen = try await Self.seesStart(within: .seconds(30)) { host in
      try await host.change("target") { $0.description.state = .running }
    }
    #expect(isSeen)
  }

  @Test func `another machine's start is none`() async throws {
    let isSeen = try await Self.seesStart(within: .milliseconds(300)) { host in
      try await host.start(DomainReference(name: "other", uuid: "uuid-other"))
    }
    #expect(!isSeen)
  }
}
