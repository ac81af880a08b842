import Foundation
import Hypervisor
import Model
import Operations
import Restore
import TestSupport
import Testing

extension OnRealGuests {
  /// Restores on a bridge, with what really goes over it.
  @Suite struct BridgeTests {
    private static func options(_ name: String, _ number: Int) -> MicroGuest.Options {
      var options = MicroGuest.Options(named: name)
      options.mac = "52:54:00:00:50:\(number)"
      options.bridge = "br0"
      options.address = address(number) + "/24"
      return options
    }

    private static func address(_ number: Int) -> String { "10.77.0.\(number)" }

    private static func network(_ number: Int) -> String {
      "version: 2\nethernets: { eth0: { addresses: [ \(address(number))/24 ] } }"
    }

    private func sweep(_ world: RestoreWorld) async {
      await FilterSweep(
        catalog: world.catalog,
        hypervisor: world.hypervisor,
        node: "local",
        clock: ManualClock(SystemWallClock().now().advanced(by: Limits.filterLateness)),
        logger: .quiet
      ).run()
    }

    @Test func `a target that insists on another VPS's address isn't heard of under it`()
      async throws
    {
      try await withPrivateLibvirt(isBridged: true) { libvirt in
        try await RestoreWorld.with(on: libvirt, confirmTimeout: .seconds(2)) { world in
          try await withMicroGuest(Self.options("alpha", 50), on: libvirt) { source in
            var second = Self.options("bravo", 60)
            // Nobody can ask it, so nothing but the filter is between it and the network.
            second.kernelArguments = ["noagent"]
            try await withMicroGuest(second, on: libvirt) { target in
              try await source.boot()
              try await source.write("10.77.0.50/24", to: "/etc/ip4")
              #expect(try await libvirt.reaches(Self.address(50)))
              let a = try await world.register(source, network: Self.network(50))
              let b = try await world.register(target, network: Self.network(60))
              let backup = try await world.backUp(a)
              try await libvirt.virsh("destroy", source.name)
              try await target.boot()
              #expect(try await libvirt.reaches(Self.address(60)))
              let job = try await world.finished(world.restore(backup, of: a, onto: b))
              let result = try job.restored()
              #expect(!result.network.confirmed)
              #expect(result.notes.joined().contains("until its next start"))
              try await target.waitUntilReady()
              #expect(try await !libvirt.reaches(Self.address(50)))
              await sweep(world)
              #expect(try await world.hypervisor.filterNames() == ["rehome-\(job.id)"])

              try await libvirt.virsh("destroy", target.name)
              await sweep(world)
              #expect(try await world.hypervisor.filterNames().isEmpty)
              try await target.boot()
              #expect(try await libvirt.reaches(Self.address(50)))
            }
          }
        }
      }
    }

    @Test func `a target that was off isn't heard of under it when somebody starts it`()
      async throws
    {
      try await withPrivateLibvirt(isBridged: true) { libvirt in
        try await RestoreWorld.with(on: libvirt) { world in
          let second = Self.options("bravo", 60)
          try await withMicroGuest(Self.options("alpha", 50), on: libvirt) { source in
            try await withMicroGuest(second, on: libvirt) { target in
              try await source.boot()
              try await source.write("10.77.0.50/24", to: "/etc/ip4")
              let a = try await world.register(source, network: Self.network(50))
              let b = try await world.register(target, network: Self.network(60))
              let backup = try await world.backUp(a)
              try await libvirt.virsh("destroy", source.name)
              let job = try await world.finished(world.restore(backup, of: a, onto: b))
              #expect(try job.restored().network.confirmedReason == .targetOff)
              await sweep(world)
              // Not through us: by hand, as a panel or the host itself would.
              try await target.boot()
              try await target.waitUntilReady()
              #expect(try await !libvirt.reaches(Self.address(50)))
              await sweep(world)
              let domain = try await world.hypervisor.domain(b.reference)
              #expect(domain.interfaces.allSatisfy { !$0.linkUp })

              // Put right, it is let out.
              try await target.shell("ip address del 10.77.0.50/24 dev eth0")
              try await target.shell("ip address add 10.77.0.60/24 dev eth0")
              // Its links first, then the filter, which goes when nothing is behind it.
              for _ in 1...3 { await sweep(world) }
              #expect(try await libvirt.reaches(Self.address(60)))
              #expect(try await world.hypervisor.filterNames().isEmpty)
              let after = try await world.hypervisor.domain(b.reference)
              let cards = after.interfaces + after.inactiveInterfaces
              #expect(cards.allSatisfy { $0.filter == nil && $0.linkUp })

              // A filter that is gone doesn't keep it down.
              try await libvirt.virsh("destroy", target.name)
              try await world.hypervisor.setFilter(
                of: b.reference,
                mac: try #require(second.mac),
                named: NetworkFilter.name(of: job.id),
                in: .definition
              )
              #expect(try await world.hypervisor.startInAnyCase(b.reference))
              #expect(try await world.hypervisor.state(of: b.reference) == .running)
            }
          }
        }
      }
    }

    @Test func `a target that shows its own address sends what it likes`() async throws {
      try await withPrivateLibvirt(isBridged: true) { libvirt in
        try await RestoreWorld.with(on: libvirt, confirmTimeout: .seconds(60)) { world in
          try await withMicroGuest(Self.options("alpha", 50), on: libvirt) { source in
            try await withMicroGuest(Self.options("bravo", 60), on: libvirt) { target in
              let a = try await world.register(source, network: Self.network(50))
              let b = try await world.register(target, network: Self.network(60))
              let backup = try await world.backUp(a)
              try await target.boot()
              let result = try await world.finished(
                world.restore(backup, of: a, onto: b)
              ).restored()
              #expect(result.network.confirmed)
              #expect(try await libvirt.reaches(Self.address(60)))
              #expect(try await world.hypervisor.filterNames().isEmpty)
              try await target.shell("ip address add 10.77.0.61/24 dev eth0")
              #expect(try await libvirt.reaches(Self.address(61)))
            }
          }
        }
      }
    }
  }
}
