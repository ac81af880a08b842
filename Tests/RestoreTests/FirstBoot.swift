import Catalog
import Foundation
import Hypervisor
import Model
import TestSupport
import Testing

@testable import Restore

/// A target on a bridge that gets another VPS's disk.
enum FirstBoot {
  typealias World = SimulatedWorld

  static let mac = "52:54:00:00:00:01"
  static let steps: Set<SimulatedHypervisor.Operation> = [
    .start, .startPaused, .defineFilter, .setFilter, .liftFilter, .resume, .removeFilter,
  ]

  /// A target on a bridge that has an agent and one address, and a backup of another VPS.
  static func world(
    card: DomainInterface = DomainInterface(mac: mac, type: "bridge", source: "br0"),
    shown: [String] = ["192.0.2.7/24"],
    isRunning: Bool = true
  ) async throws -> SimulatedWorld {
    let world = try await World.make(holding: World.disk("abcd"), isRunning: isRunning)
    try await world.host.change(world.target.domainName) { machine in
      machine.description.definition.interfaces = [card]
      machine.description.definition.inactiveInterfaces = [card]
      machine.description.definition.hasAgentChannel = true
      machine.guestInterfaces = [GuestInterface(name: "eth0", mac: mac, addresses: shown)]
    }
    var target = world.target
    target.network = try NetworkConfiguration(
      text: "{ version: 2, ethernets: { eth0: { addresses: [ 192.0.2.7/24 ] } } }"
    )
    let stored = target
    try await world.catalog.write { try $0.update(stored) }
    return world
  }

  static func with(
    card: DomainInterface = DomainInterface(mac: mac, type: "bridge", source: "br0"),
    shown: [String] = ["192.0.2.7/24"],
    filtering: FirstBootFiltering = .auto,
    isRunning: Bool = true,
    _ body: @escaping @Sendable (SimulatedWorld, Backup) async throws -> Void
  ) async throws {
    var world = try await world(card: card, shown: shown, isRunning: isRunning)
    world.filtering = filtering
    let backup = try await world.backup(of: World.disk("abXd"))
    let made = world
    try await made.working { try await body(made, backup) }
  }

  static func calls(_ world: SimulatedWorld) async -> [String] {
    await world.host.calls.filter { steps.contains($0.operation) }
      .map { "\($0.operation) \($0.detail)".trimmingCharacters(in: .whitespaces) }
  }

  /// A clock that is late enough for what libvirt was asked for to have come.
  static func lateClock() -> ManualClock {
    ManualClock(SystemWallClock().now().advanced(by: Limits.filterLateness))
  }

  static func sweep(
    _ world: SimulatedWorld,
    node: String = CatalogFixture.node,
    clock: ManualClock = lateClock()
  ) -> FilterSweep {
    FilterSweep(
      catalog: world.catalog,
      hypervisor: world.host,
      node: node,
      clock: clock,
      logger: .quiet
    )
  }

  /// Makes the target's guest show these addresses.
  static func show(_ addresses: [String], _ world: SimulatedWorld) async throws {
    try await world.host.change(world.target.domainName) { machine in
      machine.guestInterfaces = [GuestInterface(name: "eth0", mac: mac, addresses: addresses)]
    }
  }

  static func name(_ job: Job) -> String { "rehome-\(job.id)" }

  static func note(_ job: Job) throws -> String { try job.restored().notes.joined() }
}

extension SimulatedWorld {
  /// Makes an address another VPS's.
  func hold(_ address: String, for id: VPSID) async throws {
    var vps = try #require(try await catalog.read { try $0.vps(id) })
    vps.network = try NetworkConfiguration(
      text: "{ version: 2, ethernets: { eth0: { addresses: [ \(address) ] } } }"
    )
    let stored = vps
    try await catalog.write { try $0.update(stored) }
  }
}
