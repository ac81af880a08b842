import Catalog
import Hypervisor
import Model
import Synchronization
import TestSupport
import Testing

@testable import Restore

/// A target that is off when it gets another VPS's disk boots it behind a filter, whoever starts it.
@Suite(.scratchDirectory, .timeLimit(.minutes(3)))
struct LaterBootTests {
  private typealias World = SimulatedWorld

  private static let own = ["192.0.2.7/24"]

  private func filters(
    _ world: SimulatedWorld
  ) async throws -> (live: String?, defined: String?) {
    let domain = try await world.host.domain(world.reference)
    return (domain.interfaces.first?.filter, domain.inactiveInterfaces.first?.filter)
  }

  @Test func `its filter waits in the definition, and goes when the guest shows its addresses`()
    async throws
  {
    try await FirstBoot.with(shown: [], isRunning: false) { world, backup in
      let job = try await world.restore(backup, .staged)
      let name = FirstBoot.name(job)
      #expect(try job.restored().network.confirmedReason == .targetOff)
      #expect(try FirstBoot.note(job).contains("when it is started"))
      #expect(try await filters(world).defined == name)
      let clock = FirstBoot.lateClock()
      let sweep = FirstBoot.sweep(world, clock: clock)
      await sweep.run()
      clock.advance(by: Limits.filterSettling)
      await sweep.run()
      #expect(try await filters(world).defined == name)

      try await world.host.start(world.reference)
      #expect(try await filters(world).live == name)
      await sweep.run()
      #expect(try await filters(world) == (name, name))
      try await FirstBoot.show(Self.own, world)
      await sweep.run()
      #expect(try await filters(world) == (nil, nil))
      await FirstBoot.sweep(world, clock: ManualClock(SystemWallClock().now())).run()
      #expect(await world.host.filters.keys.contains(name))
      await sweep.run()
      #expect(await world.host.filters.isEmpty)
    }
  }

  @Test func `a guest that shows nothing is filtered for a boot of some length`() async throws {
    try await FirstBoot.with(shown: [], isRunning: false) { world, backup in
      let name = FirstBoot.name(try await world.restore(backup, .staged))
      let clock = FirstBoot.lateClock()
      let sweep = FirstBoot.sweep(world, clock: clock)
      // A first start that was soon over.
      try await world.host.start(world.reference)
      await sweep.run()
      clock.advance(by: Limits.filterSettling - .seconds(1))
      await sweep.run()
      try await world.host.destroy(world.reference, graceful: true)
      await sweep.run()
      clock.advance(by: .seconds(1))
      try await world.host.start(world.reference)
      await sweep.run()
      #expect(try await filters(world) == (name, name))
      clock.advance(by: Limits.filterSettling)
      await sweep.run()
      #expect(try await filters(world) == (name, nil))
    }
  }

  @Test(arguments: [RestoreStrategy.staged, .inPlace])
  func `its filter is in the definition before its disk is exchanged`(
    _ strategy: RestoreStrategy
  ) async throws {
    try await FirstBoot.with(isRunning: false) { world, backup in
      let seen = Mutex<String?>(nil)
      world.hooks.at(.beforeExchange) {
        let domain = try? await world.host.domain(world.reference)
        seen.withLock { $0 = domain?.inactiveInterfaces.first?.filter }
      }
      let job = try await world.restore(backup, strategy)
      #expect(job.state == .completed, "\(job)")
      #expect(seen.withLock(\.self) == FirstBoot.name(job))
    }
  }

  @Test func `who starts a target in between has it filtered for the rest of its boot`()
    async throws
  {
    try await FirstBoot.with(shown: [], isRunning: false) { world, backup in
      world.hooks.at(.afterExchange) {
        // As after a worker that died there: its filter isn't in the definition, and it runs.
        try? await world.host.change(world.target.domainName) { machine in
          machine.description.definition.inactiveInterfaces = machine.description
            .inactiveInterfaces.map { DomainInterface(mac: $0.mac, type: $0.type) }
        }
        try? await world.host.start(world.reference)
      }
      let job = try await world.restore(backup, .staged)
      #expect(try await filters(world).live == FirstBoot.name(job), "\(job)")
    }
  }

  @Test func `an undo that brings back another VPS's disk brings its filter`() async throws {
    try await FirstBoot.with(isRunning: false) { world, backup in
      let first = try await world.restore(backup, .staged)
      let second = try await world.restore(backup, .staged)
      await FirstBoot.sweep(world).run()
      #expect(await Array(world.host.filters.keys) == [FirstBoot.name(second)])
      let undo = try await world.undo(second)
      #expect(undo.state == .completed, "\(undo)")
      #expect(try await filters(world).defined == FirstBoot.name(first))
      await FirstBoot.sweep(world).run()
      #expect(await Array(world.host.filters.keys) == [FirstBoot.name(first)])
    }
  }

  @Test func `a rollback to another VPS's disk that nobody has confirmed brings its filter`()
    async throws
  {
    try await FirstBoot.with(shown: ["198.51.100.1/24"]) { world, backup in
      let first = try await world.restore(backup, .staged)
      #expect(try await filters(world) == (FirstBoot.name(first), nil))
      await world.host.setFault(
        .failOnce(.refused(operation: "resume", message: "no")),
        of: .resume
      )
      let second = try await world.restore(backup, .staged)
      #expect(second.failure?.left == .rolledBack, "\(second)")
      #expect(try await filters(world) == (FirstBoot.name(first), FirstBoot.name(first)))
    }
  }

  @Test func `a successor's filter that isn't taken leaves the former in place`() async throws {
    try await FirstBoot.with(isRunning: false) { world, backup in
      let first = try await world.restore(backup, .staged)
      await world.host.setFault(
        .failAlways(.refused(operation: "filter", message: "no")),
        of: .defineFilter
      )
      let second = try await world.restore(backup, .staged)
      #expect(second.state == .completed, "\(second)")
      await FirstBoot.sweep(world).run()
      #expect(try await filters(world).defined == FirstBoot.name(first))
    }
  }

  @Test func `the filter of a target that waits follows the registry`() async throws {
    try await FirstBoot.with(isRunning: false) { world, backup in
      let name = FirstBoot.name(try await world.restore(backup, .staged))
      var target = world.target
      target.network = try NetworkConfiguration(
        text: "{ version: 2, ethernets: { eth0: { addresses: [ 192.0.2.8/24 ] } } }"
      )
      let stored = target
      try await world.catalog.write { try $0.update(stored) }
      let sweep = FirstBoot.sweep(world)
      await sweep.run()
      #expect(await world.host.filters[name]?.version4 == .only([IPAddress("192.0.2.8")!]))
      let count = await world.host.calls.count { $0.operation == .defineFilter }
      await sweep.run()
      #expect(await world.host.calls.count { $0.operation == .defineFilter } == count)
    }
  }

  @Test func `another node's filters are left alone, and a terminated target's go when it is off`()
    async throws
  {
    try await FirstBoot.with(isRunning: false) { world, backup in
      let name = FirstBoot.name(try await world.restore(backup, .staged))
      var target = try #require(try await world.catalog.read { try $0.vps(world.target.id) })
      target.serviceStatus = .terminated
      let stored = target
      try await world.catalog.write { try $0.update(stored) }
      await FirstBoot.sweep(world, node: "elsewhere").run()
      #expect(try await filters(world).defined == name)
      try await world.host.start(world.reference)
      await FirstBoot.sweep(world).run()
      #expect(try await filters(world) == (name, name))
      try await world.host.destroy(world.reference, graceful: true)
      await FirstBoot.sweep(world).run()
      #expect(try await filters(world) == (nil, nil))
    }
  }

  @Test func `a target that is gone may come back for a while`() async throws {
    try await FirstBoot.with(isRunning: false) { world, backup in
      let name = FirstBoot.name(try await world.restore(backup, .staged))
      let clock = FirstBoot.lateClock()
      let sweep = FirstBoot.sweep(world, clock: clock)
      await world.host.setFault(
        .failAlways(.domainMissing(world.target.domainName)),
        of: .domain
      )
      await sweep.run()
      clock.advance(by: Limits.filterLateness - .seconds(1))
      await sweep.run()
      #expect(await world.host.filters.keys.contains(name))
      clock.advance(by: .seconds(1))
      await sweep.run()
      #expect(await world.host.filters.isEmpty)
    }
  }

  @Test func `a machine whose filter can't be had starts without it`() async throws {
    try await FirstBoot.with(isRunning: false) { world, backup in
      let first = try await world.restore(backup, .staged)
      let second = try await world.restore(backup, .staged)
      await world.host.forgetFilters()
      await #expect(throws: HypervisorError.self) { try await world.host.start(world.reference) }
      #expect(try await world.host.startInAnyCase(world.reference))
      #expect(try await filters(world) == (nil, nil))
      #expect(try await world.host.state(of: world.reference) == .running)
      #expect(first.state == second.state)
    }
  }

  @Test func `what else keeps a machine down takes no filter from it`() async throws {
    try await FirstBoot.with(isRunning: false) { world, backup in
      let name = FirstBoot.name(try await world.restore(backup, .staged))
      for message in ["no memory", "no such file: /srv/filters/disk.raw"] {
        await world.host.setFault(
          .failAlways(.refused(operation: "start", message: message)),
          of: .start
        )
        await #expect(throws: HypervisorError.self) {
          try await world.host.startInAnyCase(world.reference)
        }
        #expect(try await filters(world).defined == name)
      }
    }
  }

  @Test func `a network's cards are filtered while they run only`() async throws {
    let card = DomainInterface(mac: FirstBoot.mac, type: "network", source: "default")
    try await FirstBoot.with(card: card, isRunning: false) { world, backup in
      let job = try await world.restore(backup, .staged)
      #expect(try await filters(world).defined == nil)
      #expect(try FirstBoot.note(job).contains("did not take a network filter"))
    }
  }

  @Test func `a cut that ended half done is made whole`() async throws {
    try await FirstBoot.with(shown: ["192.0.2.50/24"], isRunning: false) { world, backup in
      _ = try await world.restore(backup, .staged)
      try await world.hold("192.0.2.50/24", for: backup.vpsID)
      try await world.host.start(world.reference)
      try await world.host.change(world.target.domainName) { machine in
        machine.description.definition.interfaces = machine.description.interfaces.map {
          DomainInterface(mac: $0.mac, type: $0.type, linkUp: false, filter: $0.filter)
        }
      }
      await FirstBoot.sweep(world).run()
      #expect(await world.host.calls.contains { $0.operation == .setLink })
    }
  }

  @Test func `a guest that shows another's address then loses its links, and stays filtered`()
    async throws
  {
    try await FirstBoot.with(isRunning: false) { world, backup in
      let job = try await world.restore(backup, .staged)
      try await world.hold("192.0.2.50/24", for: backup.vpsID)
      try await FirstBoot.show(["192.0.2.50/24"], world)
      try await world.host.start(world.reference)
      await FirstBoot.sweep(world).run()
      let cut = await world.host.calls.filter { $0.operation == .setLink }
      #expect(cut.map(\.detail) == ["\(FirstBoot.mac) down persistently"])
      let name = FirstBoot.name(job)
      #expect(try await filters(world) == (name, name))
    }
  }

  @Test func `a target that has its own disk again is filtered no more`() async throws {
    try await FirstBoot.with(isRunning: false) { world, backup in
      let job = try await world.restore(backup, .staged)
      #expect(try await filters(world).defined == FirstBoot.name(job))
      let undo = try await world.undo(job)
      #expect(undo.state == .completed, "\(undo)")
      #expect(try await filters(world).defined == nil)
      await FirstBoot.sweep(world).run()
      #expect(await world.host.filters.isEmpty)
    }
  }

  @Test func `the sweep lets out whom an undo couldn't`() async throws {
    try await FirstBoot.with(isRunning: false) { world, backup in
      let job = try await world.restore(backup, .staged)
      await world.host.setFault(
        .failAlways(.refused(operation: "lift", message: "no")),
        of: .liftFilter
      )
      let undo = try await world.undo(job)
      #expect(undo.state == .completed, "\(undo)")
      #expect(try await filters(world).defined == FirstBoot.name(job))
      await world.host.clearFault(of: .liftFilter)
      await FirstBoot.sweep(world).run()
      #expect(try await filters(world).defined == nil)
    }
  }

  @Test func `another restore's filter takes the place of the one before`() async throws {
    try await FirstBoot.with(isRunning: false) { world, backup in
      let first = try await world.restore(backup, .staged)
      let second = try await world.restore(backup, .staged)
      #expect(try await filters(world).defined == FirstBoot.name(second))
      let sweep = FirstBoot.sweep(world)
      await sweep.run()
      #expect(await Array(world.host.filters.keys) == [FirstBoot.name(second)])
      #expect(first.id != second.id)
    }
  }

  @Test(arguments: [SimulatedHypervisor.Operation.defineFilter, .setFilter])
  func `a host that doesn't take the filter is told of`(
    _ operation: SimulatedHypervisor.Operation
  ) async throws {
    try await FirstBoot.with(isRunning: false) { world, backup in
      await world.host.setFault(
        .failAlways(.refused(operation: "filter", message: "no ebtables")),
        of: operation
      )
      let job = try await world.restore(backup, .staged)
      #expect(job.state == .completed, "\(job)")
      #expect(try FirstBoot.note(job).contains("did not take a network filter"))
    }
  }
}
