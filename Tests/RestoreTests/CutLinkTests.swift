import Catalog
import Hypervisor
import Model
import TestSupport
import Testing

@testable import Restore

/// Links that are set down for a guest with another VPS's address are up again for the next disk.
@Suite(.scratchDirectory, .timeLimit(.minutes(3)))
struct CutLinkTests {
  private static let own = ["192.0.2.7/24"]
  private static let foreign = "192.0.2.50/24"

  /// Whether the target's cards are plugged in, as it runs and as it is defined.
  private static func links(_ world: SimulatedWorld) async throws -> [Bool] {
    let domain = try await world.host.domain(world.reference)
    return (domain.interfaces + domain.inactiveInterfaces).map(\.linkUp)
  }

  private static func noted(_ world: SimulatedWorld) async throws -> [CutLink] {
    let id = world.target.id
    return try await world.catalog.read { try $0.cutLinks(of: id) }
  }

  /// A target that was restored to a disk which insists on another VPS's address.
  private static func withCut(
    card: DomainInterface = DomainInterface(mac: FirstBoot.mac, type: "bridge", source: "br0"),
    _ body: @escaping @Sendable (SimulatedWorld, Backup, Job) async throws -> Void
  ) async throws {
    try await FirstBoot.with(card: card, shown: [foreign]) { world, backup in
      try await world.hold(foreign, for: backup.vpsID)
      let job = try await world.restore(backup, .staged)
      #expect(try job.restored().network.confirmedReason == .foreignAddress)
      #expect(try await links(world) == [false, false])
      try await body(world, backup, job)
    }
  }

  @Test(arguments: [true, false])
  func `a target is on its network again with the next disk`(isUndone: Bool) async throws {
    try await Self.withCut { world, backup, job in
      #expect(try await Self.noted(world) == [CutLink(mac: FirstBoot.mac, jobID: job.id)])
      // Whatever its guest tells.
      try await FirstBoot.show([], world)
      let next =
        isUndone ? try await world.undo(job) : try await world.restore(backup, .staged)
      #expect(next.state == .completed, "\(next)")
      #expect(try await Self.links(world) == [true, true])
      #expect(try await Self.noted(world).isEmpty)
    }
  }

  @Test func `a target whose disk comes back stays off its network`() async throws {
    try await Self.withCut { world, _, job in
      await world.host.setFault(.failOnce(.refused(operation: "start", message: "no")), of: .start)
      let undo = try await world.undo(job)
      #expect(undo.state == .failed, "\(undo)")
      #expect(try await Self.links(world) == [false, false])
      #expect(try await Self.noted(world).map(\.jobID) == [job.id])
    }
  }

  @Test func `a disk that insists as well has the links down, for itself`() async throws {
    try await Self.withCut { world, backup, _ in
      let second = try await world.restore(backup, .staged)
      #expect(try await Self.links(world) == [false, false])
      #expect(try await Self.noted(world) == [CutLink(mac: FirstBoot.mac, jobID: second.id)])
    }
  }

  @Test func `what somebody else has set down stays down`() async throws {
    let card = DomainInterface(mac: FirstBoot.mac, type: "bridge", source: "br0", linkUp: false)
    try await Self.withCut(card: card) { world, _, job in
      try await FirstBoot.show(Self.own, world)
      let undo = try await world.undo(job)
      #expect(undo.state == .completed, "\(undo)")
      #expect(try await Self.links(world) == [false, false])
    }
  }

  @Test(arguments: [[foreign], own])
  func `who goes on after a cut doesn't set up what was cut`(shown: [String]) async throws {
    try await FirstBoot.with(shown: [Self.foreign]) { world, backup in
      try await world.hold(Self.foreign, for: backup.vpsID)
      await world.host.setBeforeEach { call in
        // From the cut on the host is away, until the next attempt.
        guard call.operation == .setLink else { return }
        await world.host.setFault(.failAlways(.unavailable("away")), of: .domain)
        await world.host.setBeforeEach(nil)
      }
      let task = JobTask.restore(
        RestoreTask(sourceVPSID: backup.vpsID, backupID: backup.id, strategy: .staged)
      )
      let id = try await world.accept(task, holding: backup.id)
      while try await world.catalog.read({ try $0.job(id)?.attempts ?? 0 }) < 2 {
        try await Task.sleep(for: .milliseconds(5))
      }
      // Off its network it may drop what it would show on it.
      try await FirstBoot.show(shown, world)
      await world.host.clearFault(of: .domain)
      let job = try await world.finished(id)
      #expect(try job.restored().network.confirmedReason == .foreignAddress)
      #expect(try await Self.links(world) == [false, false])
      let calls = await world.host.calls.filter { $0.operation == .setLink }.map(\.detail)
      #expect(!calls.contains { $0.contains("up") }, "\(calls)")
    }
  }

  @Test func `a target that nothing can plug in again is told of, and known`() async throws {
    try await Self.withCut { world, _, job in
      try await FirstBoot.show(Self.own, world)
      await world.host.setFault(
        .failAlways(.refused(operation: "set link", message: "no")),
        of: .setLink
      )
      let undo = try await world.undo(job)
      guard case .undo(let result) = undo.result else {
        throw Unexpected(description: "\(undo)")
      }
      #expect(result.note.contains("do it by hand"))
      #expect(try await Self.noted(world).count == 1)
    }
  }

  @Test func `who was cut later, and shows its own addresses again, is let out`() async throws {
    try await FirstBoot.with(isRunning: false) { world, backup in
      let job = try await world.restore(backup, .staged)
      try await world.hold(Self.foreign, for: backup.vpsID)
      try await FirstBoot.show([Self.foreign], world)
      try await world.host.start(world.reference)
      let sweep = FirstBoot.sweep(world)
      await sweep.run()
      #expect(try await Self.links(world) == [false, false])
      #expect(try await Self.noted(world) == [CutLink(mac: FirstBoot.mac, jobID: job.id)])
      await sweep.run()
      #expect(try await Self.links(world) == [false, false])

      try await FirstBoot.show(Self.own, world)
      await sweep.run()
      #expect(try await Self.links(world) == [true, true])
      #expect(try await Self.noted(world).isEmpty)
      // Still filtered: what it shows without a network proves little.
      #expect(await !world.host.calls.contains { $0.operation == .liftFilter })
      await sweep.run()
      #expect(await world.host.calls.contains { $0.operation == .liftFilter })
    }
  }

  @Test func `where nothing filters, who was cut is looked at as well`() async throws {
    try await Self.withCut(card: DomainInterface(mac: FirstBoot.mac, type: "user")) { world, _, _ in
      let sweep = FirstBoot.sweep(world)
      await sweep.run()
      #expect(try await Self.links(world) == [false, false])
      try await FirstBoot.show(Self.own, world)
      await sweep.run()
      #expect(try await Self.links(world) == [true, true])
      #expect(try await Self.noted(world).isEmpty)
      await sweep.run()
      #expect(await !world.host.calls.contains { $0.operation == .removeFilter })
    }
  }

  @Test func `a backup of its own that insists on what is another's by now has the links down`()
    async throws
  {
    try await FirstBoot.with(isRunning: false) { world, backup in
      let made = try await world.backUpTarget()
      guard case .backup(let result) = made.result else {
        throw Unexpected(description: "\(made)")
      }
      try await world.host.start(world.reference)
      try await world.hold(Self.foreign, for: backup.vpsID)
      try await FirstBoot.show([Self.foreign], world)
      let task = RestoreTask(
        sourceVPSID: world.target.id,
        backupID: result.backupID,
        strategy: .staged
      )
      let id = try await world.accept(.restore(task), holding: result.backupID)
      let job = try await world.finished(id)
      #expect(try job.restored().network.confirmedReason == .foreignAddress)
      // No filter is for it, and the sweep looks after it all the same.
      let sweep = FirstBoot.sweep(world)
      for _ in 1...2 { await sweep.run() }
      #expect(try await Self.links(world) == [false, false])
      #expect(try await Self.noted(world).map(\.jobID) == [id])
      try await FirstBoot.show(Self.own, world)
      await sweep.run()
      #expect(try await Self.links(world) == [true, true])
    }
  }

  @Test func `an undo that brings a foreign disk back, unfiltered, brings it off its network`()
    async throws
  {
    try await Self.withCut(card: DomainInterface(mac: FirstBoot.mac, type: "bridge")) {
      world,
      backup,
      first in
      // The host can't filter any more.
      await world.host.setFault(
        .failAlways(.refused(operation: "filter", message: "no ebtables")),
        of: .setFilter
      )
      try await FirstBoot.show(Self.own, world)
      let second = try await world.restore(backup, .staged)
      #expect(try await Self.links(world) == [true, true])
      try await FirstBoot.show([Self.foreign], world)
      let down = Flag()
      world.hooks.at(.afterStart) {
        if (try? await Self.links(world)) == [false, false] { down.raise() }
      }
      let undo = try await world.undo(second)
      #expect(undo.state == .completed, "\(undo)")
      #expect(down.isRaised)
      #expect(try await Self.links(world) == [false, false])
      #expect(try await Self.noted(world) == [CutLink(mac: FirstBoot.mac, jobID: undo.id)])
      #expect(first.id != second.id)
    }
  }

  @Test func `a card that is in one form only keeps no other from being set`() async throws {
    try await FirstBoot.with(shown: [Self.foreign]) { world, backup in
      try await world.hold(Self.foreign, for: backup.vpsID)
      let other = DomainInterface(mac: "52:54:00:00:00:00", type: "bridge", source: "br0")
      world.hooks.at(.afterStart) {
        _ = try? await world.host.change(world.target.domainName) { machine in
          machine.description.definition.inactiveInterfaces.insert(other, at: 0)
        }
      }
      let job = try await world.restore(backup, .staged)
      #expect(try job.restored().network.confirmedReason == .foreignAddress)
      #expect(try await Self.links(world) == [false, false, false])
      #expect(try await Self.noted(world).count == 2)
      try await world.host.change(world.target.domainName) { machine in
        machine.description.definition.inactiveInterfaces.removeFirst()
      }
      try await FirstBoot.show([], world)
      #expect(try await world.undo(job).state == .completed)
      #expect(try await Self.links(world) == [true, true])
      // One that is gone isn't waited for.
      #expect(try await Self.noted(world).isEmpty)
    }
  }

  @Test func `the disks from before a restore in place have their links, also if they don't start`()
    async throws
  {
    try await FirstBoot.with(shown: [Self.foreign]) { world, backup in
      try await world.hold(Self.foreign, for: backup.vpsID)
      let job = try await world.restore(backup, .inPlace)
      #expect(try job.restored().network.confirmedReason == .foreignAddress)
      await world.host.setFault(
        .failAlways(.refused(operation: "start", message: "no")),
        of: .start
      )
      let undo = try await world.undo(job)
      #expect(undo.failure?.left == .newDiskNotRunning, "\(undo)")
      #expect(try await Self.links(world) == [true, true])
    }
  }
}
