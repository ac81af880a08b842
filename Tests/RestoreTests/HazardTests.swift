import Foundation
import Hypervisor
import Model
import Operations
import Restore
import TestSupport
import Testing

extension OnRealGuests {
  /// What ruins guests in this trade, met on real ones.
  @Suite struct HazardTests {
    private static func refusal(
      of body: () async throws -> Void
    ) async -> Refusal? {
      await #expect(throws: Refusal.self) { try await body() }
    }

    @Test func `a target with saved memory is refused, as is one whose domain is gone`()
      async throws
    {
      try await RestoreWorld.with { world in
        try await withMicroGuest(MicroGuest.Options(named: "alpha")) { source in
          try await withMicroGuest(MicroGuest.Options(named: "bravo")) { target in
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            try await target.boot()
            try await world.libvirt.virsh("managedsave", target.name)
            let saved = await Self.refusal { _ = try await world.restore(backup, of: a, onto: b) }
            #expect(saved == .vpsNotReady(.savedState, jobID: nil))

            try await world.libvirt.virsh("managedsave-remove", target.name)
            let xml = try await world.libvirt.virsh("dumpxml", "--inactive", target.name)
            let kept = "\(target.folder)/kept.xml"
            try xml.write(toFile: kept, atomically: true, encoding: .utf8)
            try await world.libvirt.virsh("undefine", target.name)
            let gone = await Self.refusal { _ = try await world.restore(backup, of: a, onto: b) }
            #expect(gone == .vpsNotReady(.domainMissing, jobID: nil))
            try await world.libvirt.virsh("define", kept)
          }
        }
      }
    }

    @Test func `a backing file under the target's disk is refused`() async throws {
      try await RestoreWorld.with { world in
        try await withMicroGuest(MicroGuest.Options(named: "alpha")) { source in
          try await withMicroGuest(MicroGuest.Options(named: "bravo")) { target in
            let overlay = "\(target.folder)/overlay.qcow2"
            try await TestProcess.run(
              "qemu-img",
              ["create", "-f", "qcow2", "-F", "raw", "-b", target.diskPath, overlay]
            )
            try await world.libvirt.handToQEMU(overlay)
            let xml = try await world.libvirt.virsh("dumpxml", "--inactive", target.name)
            let definition = "\(target.folder)/overlay.xml"
            try xml.replacing(target.diskPath, with: overlay)
              .replacing("type='raw'", with: "type='qcow2'")
              .write(toFile: definition, atomically: true, encoding: .utf8)
            try await world.libvirt.virsh("define", definition)
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            let chain = await Self.refusal { _ = try await world.restore(backup, of: a, onto: b) }
            #expect(chain == .vpsNotReady(.backingChain, jobID: nil))
          }
        }
      }
    }

    @Test func `a target that comes up with another VPS's address has its links cut at once`()
      async throws
    {
      @Sendable func network(_ address: String) -> String {
        "version: 2\nethernets: { eth0: { addresses: [ \(address) ] } }"
      }
      try await RestoreWorld.with(confirmTimeout: .seconds(60)) { world in
        var first = MicroGuest.Options(named: "alpha")
        first.mac = "52:54:00:00:50:01"
        first.address = "10.0.2.50/24"
        var second = MicroGuest.Options(named: "bravo")
        second.mac = "52:54:00:00:50:02"
        second.address = "10.0.2.60/24"
        let (sourceOptions, targetOptions) = (first, second)
        try await withMicroGuest(sourceOptions) { source in
          try await withMicroGuest(targetOptions) { target in
            try await source.boot()
            // The image insists on its own address, whatever the machine around it is.
            try await source.write("10.0.2.50/24", to: "/etc/ip4")
            let a = try await world.register(source, network: network("10.0.2.50/24"))
            let b = try await world.register(target, network: network("10.0.2.60/24"))
            let backup = try await world.backUp(a)
            try await target.boot()
            let job = try await world.finished(world.restore(backup, of: a, onto: b))
            let result = try job.restored()
            #expect(result.network.confirmed == false)
            #expect(result.network.confirmedReason == .foreignAddress)
            #expect(result.network.addresses.contains("10.0.2.50/24"))
            let cut = try await world.hypervisor.domain(target.reference)
            #expect((cut.interfaces + cut.inactiveInterfaces).allSatisfy { !$0.linkUp })
            let undo = try await world.finished(
              try await world.operations.perform(
                world.operations.undoRestore(RestoreWorld.operatorCaller, job.id.text)
              )
            )
            #expect(undo.state == .completed, "\(undo)")
            let own = try await world.hypervisor.domain(target.reference)
            #expect((own.interfaces + own.inactiveInterfaces).allSatisfy { $0.linkUp })
          }
        }
      }
    }

    @Test func `the disks' autostart and the domain's devices are as before after a rollback`()
      async throws
    {
      try await RestoreWorld.with { world in
        try await withMicroGuest(MicroGuest.Options(named: "alpha")) { source in
          try await withMicroGuest(MicroGuest.Options(named: "bravo")) { target in
            try await target.boot()
            try await world.libvirt.virsh("autostart", target.name)
            let before = try await world.hypervisor.domain(target.reference)
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            world.hooks.at(.afterExchange) {
              let during = try? await world.hypervisor.domain(target.reference).hasAutostart
              #expect(during == false)
            }
            world.hooks.at(.beforeStart) {
              try? FileManager.default.removeItem(atPath: "\(world.folder)/seeds/\(b.id)")
            }
            let job = try await world.finished(world.restore(backup, of: a, onto: b))
            #expect(job.failure?.code == .startFailedRolledBack)
            let after = try await world.hypervisor.domain(target.reference)
            #expect(after.hasAutostart)
            #expect(after.state == .running)
            #expect(after.inactiveDisks.map(\.xml) == before.inactiveDisks.map(\.xml))
            try await world.libvirt.virsh("autostart", "--disable", target.name)
          }
        }
      }
    }
  }
}
