import Foundation
import Model
import Operations
import TestSupport
import Testing

extension OnRealGuests {
  /// What a real UEFI stores outside the disk goes with the disks that it belongs to.
  @Suite struct FirmwareTests {
    private static func options(_ name: String) -> MicroGuest.Options {
      var options = MicroGuest.Options(named: name)
      options.isUEFI = true
      return options
    }

    private static func stored(by guest: MicroGuest) throws -> Data {
      try Data(contentsOf: URL(filePath: guest.nvramPath))
    }

    @Test func `an undo brings back what the firmware stored`() async throws {
      try await RestoreWorld.with { world in
        try await withMicroGuest(Self.options("alpha")) { source in
          try await withMicroGuest(Self.options("bravo")) { target in
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            // Its first boot writes what a UEFI writes at a first boot.
            try await target.boot()
            #expect(try await target.read("/sys/firmware/efi/fw_platform_size").contains("64"))
            try await world.libvirt.virsh("destroy", target.name)
            let former = try Self.stored(by: target)
            let job = try await world.finished(world.restore(backup, of: a, onto: b))
            #expect(job.state == .completed, "\(job)")
            #expect(try Self.stored(by: target) == former)

            try await target.boot()
            #expect(try await target.read("/data/name").contains("alpha"))
            // A UEFI counts its boots.
            try await world.libvirt.virsh("destroy", target.name)
            #expect(try Self.stored(by: target) != former)
            try await world.observe(b)
            let undo = try await world.finished(
              world.operations.perform(
                world.operations.undoRestore(RestoreWorld.operatorCaller, job.id.text)
              )
            )
            #expect(undo.state == .completed, "\(undo)")
            #expect(try Self.stored(by: target) == former)
            #expect(try world.leftovers(of: target).isEmpty)
            try await target.boot()
            #expect(try await target.read("/data/name").contains("bravo"))
          }
        }
      }
    }
  }
}
