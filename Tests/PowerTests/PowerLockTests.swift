import Catalog
import Hypervisor
import Jobs
import Model
import Operations
import Synchronization
import TestSupport
import Testing

/// Power actions beside data jobs: they pass, but never between a restore's stop and its start.
@Suite(.scratchDirectory, .timeLimit(.minutes(2)))
struct PowerLockTests {
  /// A door that a scripted job waits at.
  private final class Door: Sendable {
    private let state = Mutex((isReached: false, isOpen: false))

    var isReached: Bool { state.withLock { $0.isReached } }

    var isOpen: Bool { state.withLock { $0.isOpen } }

    func open() { state.withLock { $0.isOpen = true } }

    func wait() async throws {
      state.withLock { $0.isReached = true }
      while !state.withLock({ $0.isOpen }) { try await Task.sleep(for: .milliseconds(5)) }
    }

    func untilReached() async throws {
      while !isReached { try await Task.sleep(for: .milliseconds(5)) }
    }
  }

  private static func dataJob(_ world: PowerWorld, node: String? = nil) async throws -> Job {
    var job = Job(
      id: world.fixture.identifiers.make(),
      clientID: world.vps.clientID,
      vpsID: world.vps.id,
      node: world.vps.node,
      task: .undo(UndoTask(restoreJobID: world.fixture.identifiers.make())),
      createdAt: world.fixture.clock.now()
    )
    if let node { job.node = node }
    let stored = job
    try await world.catalog.write { transaction in
      if let node { try transaction.upsertNode(name: node, uri: "test:///default") }
      try transaction.insert(stored)
    }
    return stored
  }

  @Test func `a power action passes beside a data job, though the worker does one at a time`()
    async throws
  {
    let world = try await PowerWorld(.running)
    let door = Door()
    _ = try await Self.dataJob(world)
    let data = ScriptedHandler { _, _ in try await door.wait() }
    let job = try await world.working(concurrency: 1, with: [.undo: data]) {
      try await door.untilReached()
      let job = try await world.ended(try await world.accept(.stop).id)
      door.open()
      return job
    }
    #expect(job.state == .completed)
  }

  @Test func `from a restore's stop to its start nothing passes, whenever it was accepted`()
    async throws
  {
    let world = try await PowerWorld(.running)
    let (held, done) = (Door(), Door())
    let restore = try await Self.dataJob(world)
    let data = ScriptedHandler { _, context in
      guard try await context.holdPower(within: .seconds(60), orUntilCancelled: true) else {
        return
      }
      // The journal doesn't say it yet, so an action is still accepted; the lock keeps it waiting.
      try await held.wait()
      try await context.record(JournalStep.stop, .begun, detail: [String: String]())
      try await done.wait()
      try await context.record(JournalStep.start, .done, detail: [String: String]())
      context.releasePower()
    }
    let ended = try await world.working(concurrency: 2, with: [.undo: data]) {
      try await held.untilReached()
      let job = try await world.accept(.stop)
      // Until the worker has met the lock alone.
      try await Task.sleep(for: .milliseconds(600))
      #expect(await world.effects().isEmpty)
      held.open()
      try await done.untilReached()
      try await Task.sleep(for: .milliseconds(300))
      let waiting = try await world.fixture.stored(job.id)
      #expect(!waiting.state.isFinal)
      #expect(await world.effects().isEmpty)
      await #expect(throws: Refusal.vpsNotReady(.jobInFlight, jobID: restore.id)) {
        try await world.accept(.reset)
      }
      done.open()
      return try await world.ended(job.id)
    }
    #expect(ended.state == .completed)
    #expect(await world.effects() == [.destroy])
  }

  @Test func `a restore's stop waits for a power action that is at work`() async throws {
    let world = try await PowerWorld(.running)
    await world.hypervisor.setFault(.hang, of: .destroy)
    let reached = Door()
    let held = Door()
    let data = ScriptedHandler { _, context in
      reached.open()
      _ = try await context.holdPower(within: .seconds(60), orUntilCancelled: false)
      held.open()
    }
    try await world.working(concurrency: 1, with: [.undo: data]) {
      let job = try await world.accept(.stop)
      while await world.effects() != [.destroy] { try await Task.sleep(for: .milliseconds(5)) }
      let restore = try await Self.dataJob(world)
      while !reached.isOpen { try await Task.sleep(for: .milliseconds(5)) }
      try await Task.sleep(for: .milliseconds(300))
      #expect(!held.isOpen)
      await world.hypervisor.clearFault(of: .destroy)
      _ = try await world.ended(job.id)
      _ = try await world.ended(restore.id)
      #expect(held.isOpen)
    }
  }

  @Test func `a restore whose worker died between stop and start isn't raced`() async throws {
    let world = try await PowerWorld(.running)
    // Accepted before the restore's stop began.
    let job = try await world.accept(.start, unchecked: true)
    _ = try await Self.dataJob(world, node: "elsewhere")
    let now = world.fixture.clock.now()
    try await world.catalog.write { transaction in
      let claimed = try transaction.claimJob(
        node: "elsewhere",
        token: "dead",
        now: now,
        leaseUntil: now.advanced(by: .seconds(30))
      )
      let id = try #require(claimed).id
      let lease = Lease(jobID: id, token: "dead", until: now)
      _ = try transaction.appendStep(
        name: JournalStep.stop,
        phase: .begun,
        detail: "{}",
        at: now,
        lease: lease
      )
    }
    try await world.hypervisor.change(world.vps.domainName) { $0.description.state = .stopped }
    let ended = try await world.working { try await world.ended(job.id) }
    #expect(ended.state == .failed)
    #expect(ended.failure?.code == .vpsNotReady)
    #expect(await world.effects().isEmpty)
  }

  @Test func `a start tells which backup keeps the stopped machine's disks`() async throws {
    let world = try await PowerWorld(.stopped)
    await world.hypervisor.setFault(
      .failAlways(.refused(operation: "start", message: "Failed to get \"write\" lock")),
      of: .start
    )
    let backup = try await Self.dataJob(world, node: "elsewhere")
    let ended = try await world.doing(.start)
    #expect(ended.failure?.code == .vpsNotReady)
    #expect(ended.failure?.detail.contains(backup.id.text) == true)
  }
}

extension PowerWorld {
  /// An action in the catalog, past the gates: accepted when the world was another.
  fileprivate func accept(_ action: PowerAction, unchecked: Bool) async throws -> Job {
    let job = Job(
      id: fixture.identifiers.make(),
      clientID: vps.clientID,
      vpsID: vps.id,
      node: vps.node,
      task: .power(PowerTask(action: action)),
      createdAt: fixture.clock.now()
    )
    try await catalog.write { try $0.insert(job) }
    return job
  }
}
