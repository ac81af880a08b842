import Catalog
import Hypervisor
import Model
import Operations
import TestSupport
import Testing

/// Whole power jobs on a simulated machine.
@Suite(.scratchDirectory, .timeLimit(.minutes(2)))
struct PowerRunTests {
  @Test(arguments: [
    (PowerAction.start, DomainState.stopped, DomainState.running, "start"),
    (.shutdown, .running, .stopped, "requestShutdown"),
    (.stop, .running, .stopped, "destroy"),
    (.stop, .pausedOnError, .stopped, "destroy"),
    (.restart, .running, .running, "requestShutdown start"),
    (.reset, .running, .running, "reset"),
  ])
  func `each action does what its name says, and tells it`(
    _ action: PowerAction,
    _ before: DomainState,
    _ after: DomainState,
    _ effects: String
  ) async throws {
    let world = try await PowerWorld(before)
    let job = try await world.doing(action)
    #expect(job.state == .completed, "\(job)")
    guard case .power(let result) = job.result else {
      Issue.record("\(job)")
      return
    }
    #expect(result.action == action)
    #expect(result.powerState == (after == .running ? .running : .stopped))
    #expect(result.wasForced == (action == .stop))
    #expect(try await world.state() == after)
    #expect(await world.effects().map(\.rawValue).joined(separator: " ") == effects)
    let vps = try #require(try await world.catalog.read { try $0.vps(world.vps.id) })
    #expect(vps.observation?.powerState == result.powerState, "the gates know at once")
  }

  @Test(arguments: [PowerAction.shutdown, .restart])
  func `a guest that doesn't obey is left running`(_ action: PowerAction) async throws {
    let world = try await PowerWorld(.running) {
      $0.ignoresACPI = true
      $0.hasAgent = false
    }
    let job = try await world.doing(action)
    #expect(job.state == .failed)
    #expect(job.failure?.code == .shutdownFailed)
    #expect(job.failure?.left == .untouched)
    #expect(try await world.state() == .running)
    #expect(await world.effects() == [.requestShutdown])
  }

  @Test func `a forced restart pulls the plug of a guest that doesn't obey, gracefully`()
    async throws
  {
    let world = try await PowerWorld(.running) {
      $0.ignoresACPI = true
      $0.hasAgent = false
    }
    let job = try await world.doing(.restart, force: true)
    guard case .power(let result) = job.result else {
      Issue.record("\(job)")
      return
    }
    #expect(result.wasForced)
    #expect(await world.effects() == [.requestShutdown, .destroy, .start])
    #expect(await world.hypervisor.calls.first { $0.operation == .destroy }?.detail == "graceful")
  }

  @Test func `a saved memory image that nobody had seen yet is never thrown away`() async throws {
    let world = try await PowerWorld(.stopped) { $0.description.hasManagedSave = true }
    let job = try await world.doing(.start)
    #expect(job.failure?.code == .vpsNotReady)
    #expect(await world.effects().isEmpty)
  }

  @Test func `a machine without a definition isn't stopped`() async throws {
    let world = try await PowerWorld(.running) { $0.description.isPersistent = false }
    let job = try await world.doing(.stop)
    #expect(job.failure?.code == .vpsNotReady)
    #expect(await world.effects().isEmpty)
  }

  @Test func `a start whose answer was lost isn't made twice`() async throws {
    let world = try await PowerWorld(.stopped)
    await world.hypervisor.setFault(.loseAnswer(.timedOut(operation: "start")), of: .start)
    let job = try await world.doing(.start)
    #expect(job.state == .completed)
    #expect(await world.effects() == [.start])
  }

  @Test func `a start that fails says that the machine doesn't run`() async throws {
    let world = try await PowerWorld(.stopped)
    await world.hypervisor.setFault(
      .failAlways(.refused(operation: "start", message: "can't open '/srv/other.qcow2'")),
      of: .start
    )
    let job = try await world.doing(.start)
    #expect(job.state == .failed)
    #expect(job.failure?.left == .notRunning)
    // Clients read it: what libvirt says of the host is for the log.
    #expect(job.failure?.detail.contains("/") == false)
  }

  @Test func `a suspended VPS isn't started any more`() async throws {
    let world = try await PowerWorld(.stopped)
    let job = try await world.accept(.start)
    var suspended = world.vps
    suspended.serviceStatus = .suspended
    let vps = suspended
    try await world.catalog.write { try $0.update(vps) }
    let ended = try await world.working { try await world.ended(job.id) }
    #expect(ended.failure?.code == .vpsNotReady)
    #expect(await world.effects().isEmpty)
  }

  @Test func `a worker that died within a restart is followed by one that boots`() async throws {
    let world = try await PowerWorld(.running)
    let job = try await world.accept(.restart)
    // The dead worker had asked the guest to end, and it did.
    let lease = try #require(try await world.fixture.claim("dead"))
    let now = world.fixture.clock.now()
    _ = try await world.catalog.write {
      try $0.appendStep(name: "shutdown", phase: .begun, detail: "{}", at: now, lease: lease)
    }
    try await world.hypervisor.change(world.vps.domainName) { $0.description.state = .stopped }
    let ended = try await world.working { try await world.ended(job.id) }
    #expect(ended.state == .completed)
    #expect(await world.effects() == [.start])
  }

  @Test func `a cancel is followed before the first effect, and refused after it`() async throws {
    let world = try await PowerWorld(.running)
    let job = try await world.accept(.stop)
    let cancelled = try await world.operations.perform(
      world.operations.cancelJob(PowerWorld.system, job.id.text)
    )
    #expect(cancelled.state == .cancelled)

    let second = try await world.accept(.stop)
    let lease = try #require(try await world.fixture.claim("other"))
    let now = world.fixture.clock.now()
    _ = try await world.catalog.write {
      try $0.appendStep(name: "destroy", phase: .begun, detail: "{}", at: now, lease: lease)
    }
    await #expect(throws: Refusal.jobNotCancellable) {
      try await world.operations.perform(
        world.operations.cancelJob(PowerWorld.system, second.id.text)
      )
    }
  }
}
