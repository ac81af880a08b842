import Catalog
import Foundation
import Hypervisor
import Model
import Synchronization
import TestSupport
import Testing

@testable import Restore

/// Another VPS's disk first boots behind a filter, wherever the host can filter.
@Suite(.scratchDirectory, .timeLimit(.minutes(3)))
struct FirstBootTests {
  private typealias World = SimulatedWorld

  @Test func `the filter is there before the first instruction, and goes with the confirmation`()
    async throws
  {
    try await FirstBoot.with { world, backup in
      let job = try await world.restore(backup, .staged)
      #expect(try job.restored().network.confirmed)
      let name = FirstBoot.name(job)
      #expect(
        await FirstBoot.calls(world) == [
          "startPaused", "defineFilter \(name)", "setFilter \(FirstBoot.mac) \(name) live",
          "resume",
          "liftFilter \(FirstBoot.mac) \(name) live",
          "liftFilter \(FirstBoot.mac) \(name) definition",
          "removeFilter \(name)",
        ]
      )
      #expect(try !FirstBoot.note(job).contains("filter"))
      #expect(await world.host.filters.isEmpty)
    }
  }

  @Test func `what isn't confirmed stays filtered, and says so, until the next start`()
    async throws
  {
    try await FirstBoot.with(shown: ["198.51.100.1/24"]) { world, backup in
      let job = try await world.restore(backup, .staged)
      #expect(try job.restored().network.confirmedReason == .mismatch)
      #expect(try FirstBoot.note(job).contains("until its next start"))
      let name = FirstBoot.name(job)
      #expect(try await world.host.domain(world.reference).interfaces.first?.filter == name)
      let sweep = FirstBoot.sweep(world)
      await sweep.run()
      #expect(await world.host.filters.keys.contains(name))
      try await world.host.destroy(world.reference, graceful: true)
      try await world.host.start(world.reference)
      #expect(try await world.host.domain(world.reference).interfaces.first?.filter == nil)
      try await world.host.defineFilter(
        NetworkFilter(name: "rehome-somebody", version4: .all, version6: .all, barred: [])
      )
      await sweep.run()
      #expect(await Array(world.host.filters.keys) == ["rehome-somebody"])
    }
  }

  @Test(arguments: [
    DomainInterface(mac: FirstBoot.mac, type: "user"),
    DomainInterface(mac: FirstBoot.mac, type: "bridge", filter: "clean-traffic"),
  ])
  func `a card that can't be filtered, or is already, is left as it is`(
    _ card: DomainInterface
  ) async throws {
    try await FirstBoot.with(card: card) { world, backup in
      let job = try await world.restore(backup, .staged)
      #expect(job.state == .completed, "\(job)")
      #expect(await FirstBoot.calls(world) == ["start"])
      #expect(try await world.host.domain(world.reference).interfaces == [card])
    }
  }

  @Test func `an operator whose network filters itself can say so`() async throws {
    try await FirstBoot.with(filtering: .off) { world, backup in
      let job = try await world.restore(backup, .staged)
      #expect(job.state == .completed, "\(job)")
      #expect(await FirstBoot.calls(world) == ["start"])
    }
  }

  @Test(arguments: [SimulatedHypervisor.Operation.defineFilter, .setFilter])
  func `a host that can't filter lets the target run, and that is told`(
    _ operation: SimulatedHypervisor.Operation
  ) async throws {
    try await FirstBoot.with(shown: []) { world, backup in
      await world.host.setFault(
        .failAlways(.refused(operation: "filter", message: "no ebtables")),
        of: operation
      )
      let job = try await world.restore(backup, .staged)
      #expect(job.state == .completed, "\(job)")
      #expect(try FirstBoot.note(job).contains("without a network filter"))
      #expect(try await world.host.state(of: world.reference) == .running)
    }
  }

  @Test func `a target that can't be let run is ended, and has its former disk again`()
    async throws
  {
    try await FirstBoot.with { world, backup in
      await world.host.setFault(
        .failOnce(.refused(operation: "resume", message: "no")),
        of: .resume
      )
      let job = try await world.restore(backup, .staged)
      #expect(job.failure?.code == .startFailedRolledBack, "\(job)")
      #expect(job.failure?.left == .rolledBack)
      #expect(try world.contents == World.disk("abcd"))
      #expect(try await world.host.state(of: world.reference) == .running)
    }
  }

  @Test func `a host that can't filter yet is waited for, its target paused`()
    async throws
  {
    try await FirstBoot.with { world, backup in
      await world.host.setFault(.failAlways(.unavailable("away")), of: .defineFilter)
      let task = JobTask.restore(
        RestoreTask(sourceVPSID: backup.vpsID, backupID: backup.id, strategy: .staged)
      )
      let id = try await world.accept(task, holding: backup.id)
      while try await world.host.state(of: world.reference) != .paused {
        try await Task.sleep(for: .milliseconds(5))
      }
      await world.host.clearFault(of: .defineFilter)
      let job = try await world.finished(id)
      #expect(try job.restored().network.confirmed)
      #expect(await FirstBoot.calls(world).filter { $0 == "startPaused" }.count == 1)
      #expect(try await world.host.state(of: world.reference) == .running)
    }
  }

  @Test func `a start that ends late, and paused, is waited for`() async throws {
    try await FirstBoot.with { world, backup in
      let (host, name) = (world.host, world.target.domainName)
      await host.setFault(.loseAnswer(.timedOut(operation: "start")), of: .startPaused)
      let looks = Mutex(0)
      await host.setBeforeEach { call in
        guard call.operation == .domain,
          await host.calls.contains(where: { $0.operation == .startPaused })
        else { return }
        let look = looks.withLock { count in
          count += 1
          return count
        }
        // As libvirt tells it before QEMU is up.
        _ = try? await host.change(name) { machine in
          if look == 1 { machine.description.state = .starting }
          if look == 2 { machine.description.state = .paused }
        }
      }
      let job = try await world.restore(backup, .staged)
      #expect(try job.restored().network.confirmed)
      #expect(try await host.state(of: world.reference) == .running)
      #expect(await FirstBoot.calls(world).contains("resume"))
    }
  }

  @Test func `a worker that finds filters switched off lets a paused target run all the same`()
    async throws
  {
    var world = try await FirstBoot.world()
    let backup = try await world.backup(of: World.disk("abXd"))
    let task = JobTask.restore(
      RestoreTask(sourceVPSID: backup.vpsID, backupID: backup.id, strategy: .staged)
    )
    let id = try await world.accept(task, holding: backup.id)
    await world.host.setFault(.hang, of: .defineFilter)
    let (host, reference) = (world.host, world.reference)
    try await world.working {
      while await host.calls.last?.operation != .defineFilter {
        try await Task.sleep(for: .milliseconds(5))
      }
      #expect(try await host.state(of: reference) == .paused)
      await host.setFault(.failAlways(.unavailable("gone")), of: .resume)
      await host.clearFault(of: .defineFilter)
    }
    await host.clearFault(of: .defineFilter)
    await host.clearFault(of: .resume)
    world.filtering = .off
    let after = world
    try await after.working {
      let job = try await after.finished(id)
      #expect(try job.restored().network.confirmed)
    }
    #expect(try await host.state(of: reference) == .running)
  }

  @Test func `a filter that saved memory names isn't swept`() async throws {
    try await FirstBoot.with(shown: []) { world, backup in
      let job = try await world.restore(backup, .staged)
      let name = FirstBoot.name(job)
      try await world.host.destroy(world.reference, graceful: true)
      let domain = world.target.domainName
      try await world.host.change(domain) { $0.description.hasManagedSave = true }
      let sweep = FirstBoot.sweep(world)
      await sweep.run()
      #expect(await world.host.filters.keys.contains(name))
      try await world.host.change(domain) { $0.description.hasManagedSave = false }
      await sweep.run()
      #expect(await world.host.filters.isEmpty)
    }
  }

  @Test func `a filter lists what the VPS may send from`() throws {
    func vps(_ text: String?) throws -> VPS {
      let identifiers = IdentifierFactory(clock: ManualClock())
      var vps = VPS(
        id: identifiers.make(),
        clientID: identifiers.make(),
        node: CatalogFixture.node,
        domainName: "web",
        domainUUID: "uuid-web",
        name: "web",
        hostname: "web",
        createdAt: .never
      )
      vps.network = try text.map(NetworkConfiguration.init(text:))
      return vps
    }
    func addresses(_ texts: String...) -> [IPAddress] { texts.compactMap { IPAddress($0) } }
    let source = try vps(
      "{ version: 2, ethernets: { a: { addresses: [ 192.0.2.50/24, 192.0.2.7/24 ] } } }"
    )
    let fixed = try vps(
      "{ version: 2, ethernets: { a: { addresses: [ 192.0.2.7/24, '2001:db8::7/64' ] } } }"
    )
    let job: JobID = IdentifierFactory(clock: ManualClock()).make()
    func firstBoot(_ vps: VPS, _ source: VPS? = nil, _ others: [String] = []) -> NetworkFilter {
      NetworkFilter.firstBoot(of: vps, in: job, fromDiskOf: source, others: others)
    }
    let filter = firstBoot(fixed, source)
    #expect(filter.name == "rehome-\(job)")
    #expect(filter.version4 == .only(addresses("192.0.2.7")))
    #expect(filter.version6 == .only(addresses("2001:db8::7")))
    #expect(filter.barred.isEmpty)
    // Nobody knows beforehand what DHCP and routers will give it.
    let asking = firstBoot(try vps(nil), source, ["192.0.2.7/24", "2001:db8::1"])
    #expect(asking.version4 == .all)
    #expect(asking.version6 == .all)
    #expect(asking.barred == addresses("192.0.2.50", "192.0.2.7", "2001:db8::1"))
    let mixed = try vps(
      "{ version: 2, ethernets: { a: { dhcp4: true, addresses: [ '2001:db8::7/64' ] } } }"
    )
    #expect(firstBoot(mixed).version4 == .all)
    #expect(firstBoot(mixed).version6 == .only(addresses("2001:db8::7")))
    // Addresses of what isn't an Ethernet interface aren't known here.
    let bridged = try vps(
      """
      { version: 2, ethernets: { a: { addresses: [ 192.0.2.7/24 ] } },
        bridges: { b: { addresses: [ 192.0.2.8/24 ] } } }
      """
    )
    #expect(firstBoot(bridged).version4 == .all)
  }
}
