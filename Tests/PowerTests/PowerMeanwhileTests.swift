import Catalog
import Hypervisor
import Jobs
import Model
import Operations
import Synchronization
import TestSupport
import Testing

/// What happens to a VPS while a power action waits.
@Suite(.scratchDirectory, .timeLimit(.minutes(2)))
struct PowerMeanwhileTests {
  private static let locked = HypervisorError.refused(
    operation: "start",
    message: "Failed to get \"write\" lock"
  )

  /// A backup of the machine that another node's worker seems to make.
  private static func backup(_ world: PowerWorld) async throws -> Job {
    var job = world.fixture.unstoredJob(of: world.vps)
    job.node = "elsewhere"
    let stored = job
    try await world.catalog.write { transaction in
      try transaction.upsertNode(name: "elsewhere", uri: "test:///default")
      try transaction.insert(stored)
    }
    return stored
  }

  private static func end(_ job: Job, _ world: PowerWorld) async throws {
    let failure = JobFailure(code: .jobCancelled, detail: "?")
    let now = world.fixture.clock.now()
    _ = try await world.catalog.write {
      try $0.cancelUnclaimed(job.id, failure: failure, at: now)
    }
  }

  @Test(arguments: [ServiceStatus.suspended, .terminated])
  func `a start that waits for a backup ends when its VPS may not be started any more`(
    _ status: ServiceStatus
  ) async throws {
    let world = try await PowerWorld(.stopped)
    await world.hypervisor.setFault(.failAlways(Self.locked), of: .start)
    _ = try await Self.backup(world)
    await world.hypervisor.setBeforeEach { call in
      guard call.operation == .start else { return }
      var changed = world.vps
      changed.serviceStatus = status
      let vps = changed
      try? await world.catalog.write { try $0.update(vps) }
    }
    let job = try await world.accept(.start)
    let ended = try await world.working(startPatience: .seconds(60)) {
      try await world.ended(job.id)
    }
    #expect(ended.state == .failed)
    #expect(ended.failure?.code == (status == .terminated ? .notFound : .vpsNotReady))
    #expect(await world.effects() == [.start])
  }

  @Test func `a start that is refused just as the backup ends is made again`() async throws {
    let world = try await PowerWorld(.stopped)
    let backup = try await Self.backup(world)
    await world.hypervisor.setFault(.failOnce(Self.locked), of: .start)
    await world.hypervisor.setBeforeEach { call in
      if call.operation == .start { try? await Self.end(backup, world) }
    }
    let ended = try await world.doing(.start)
    #expect(ended.state == .completed, "\(ended)")
    #expect(await world.effects() == [.start, .start])
  }

  @Test func `a machine whose disks nobody knows isn't booted, whenever it was asked`()
    async throws
  {
    let world = try await PowerWorld(.stopped)
    let job = try await world.accept(.start)
    var left = world.fixture.unstoredJob(of: world.vps)
    left.state = .failed
    left.needsOperator = true
    let unsettled = left
    try await world.catalog.write { try $0.insert(unsettled) }
    let ended = try await world.working { try await world.ended(job.id) }
    #expect(ended.failure?.code == .vpsNotReady)
    #expect(ended.failure?.detail.contains(unsettled.id.text) == true)
    #expect(await world.effects().isEmpty)
  }

  @Test(arguments: [PowerAction.shutdown, .restart])
  func `a stop overtakes what waits for the guest, and its end is told`(
    _ action: PowerAction
  ) async throws {
    let world = try await PowerWorld(.running) {
      $0.ignoresACPI = true
      $0.hasAgent = false
    }
    await world.hypervisor.setBeforeEach { call in
      guard call.operation == .waitUntil, call.detail.contains("crashed") else { return }
      guard await world.effects().last == .requestShutdown else { return }
      // As long as a guest may take, unless the attempt is ended.
      for _ in 0..<12_000 where !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
    }
    let (waiting, stop) = try await world.working {
      let waiting = try await world.accept(action)
      while await world.effects().isEmpty { try await Task.sleep(for: .milliseconds(5)) }
      await #expect(throws: Refusal.vpsNotReady(.jobInFlight, jobID: waiting.id)) {
        _ = try await world.accept(.reset)
      }
      let stop = try await world.accept(.stop)
      return (try await world.fixture.stored(waiting.id), try await world.ended(stop.id))
    }
    #expect(waiting.state == .cancelled)
    #expect(waiting.failure?.code == .jobCancelled)
    #expect(waiting.failure?.detail.contains(stop.id.text) == true)
    #expect(stop.state == .completed, "\(stop)")
    #expect(try await world.state() == .stopped)
    #expect(await world.effects() == [.requestShutdown, .destroy])
    let entries = try await world.catalog.read { try $0.auditEntries(limit: 99) }
    #expect(entries.contains { $0.action == "job.cancel" && $0.subject == waiting.id.text })
    #expect(try await world.fixture.stored(waiting.id) == waiting, "its worker wrote nothing more")
  }

  @Test func `a stop waits behind what has done more than ask the guest`() async throws {
    let world = try await PowerWorld(.running)
    let job = try await world.accept(.restart, force: true)
    let lease = try #require(try await world.fixture.claim("other"))
    let now = world.fixture.clock.now()
    _ = try await world.catalog.write {
      try $0.appendStep(name: "destroy", phase: .begun, detail: "{}", at: now, lease: lease)
    }
    await #expect(throws: Refusal.vpsNotReady(.jobInFlight, jobID: job.id)) {
      _ = try await world.accept(.stop)
    }
  }
}
