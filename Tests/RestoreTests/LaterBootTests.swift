import Catalog
import Guest
import Hypervisor
import Model
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

  private func show(_ addresses: [String], _ world: SimulatedWorld) async throws {
    try await world.host.change(world.target.domainName) { machine in
      machine.guestInterfaces = [
        GuestInterface(name: "eth0", mac: FirstBoot.mac, addresses: addresses)
      ]
    }
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
      let sweep = FirstBoot.sweep(world)
      await sweep.run()
      #expect(try await filters(world).defined == name)

      try await world.host.start(world.reference)
      #expect(try await filters(world).live == name)
      await sweep.run()
      // Nobody knows whether it has an agent: it was filtered for the one boot at least.
      #expect(try await filters(world) == (name, nil))
      try await show(Self.own, world)
      await sweep.run()
      #expect(try await filters(world) == (nil, nil))
      await FirstBoot.sweep(world, after: .zero).run()
      #expect(await world.host.filters.keys.contains(name))
      await sweep.run()
      #expect(await world.host.filters.isEmpty)
    }
  }

  @Test func `a guest that shows another's address then loses its links, and stays filtered`()
    async throws
  {
    try await FirstBoot.with(isRunning: false) { world, backup in
      let job = try await world.restore(backup, .staged)
      var source = try #require(try await world.catalog.read { try $0.vps(backup.vpsID) })
      source.network = try NetworkConfiguration(
        text: "{ version: 2, ethernets: { eth0: { addresses: [ 192.0.2.50/24 ] } } }"
      )
      let stored = source
      try await world.catalog.write { try $0.update(stored) }
      try await show(["192.0.2.50/24"], world)
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

  @Test func `what becomes of a filter`() {
    typealias Row = (
      over: Bool, active: Bool, live: Bool, defined: Bool, verdict: GuestCheck.Verdict?,
      move: FilterMove
    )
    let rows: [Row] = [
      (false, false, false, true, nil, .keep),
      (false, true, true, true, nil, .liftFromDefinition),
      (false, true, true, true, .mismatch, .liftFromDefinition),
      (false, true, true, false, .mismatch, .keep),
      (false, true, true, true, .confirmed, .lift),
      (false, true, true, false, .confirmed, .lift),
      (false, true, true, true, .foreign(address: "192.0.2.9"), .cutLinks),
      (false, true, false, true, .confirmed, .liftFromDefinition),
      (false, true, false, false, nil, .remove),
      (false, false, false, false, nil, .remove),
      (true, true, true, true, nil, .lift),
      (true, false, false, true, nil, .lift),
    ]
    for row in rows {
      let sight = FilterSight(
        isOver: row.over,
        isActive: row.active,
        isLive: row.live,
        isDefined: row.defined,
        verdict: row.verdict
      )
      #expect(sight.move == row.move, "\(row)")
    }
    #expect(FilterSight(hasSavedMemory: true).move == .keep)
  }
}
