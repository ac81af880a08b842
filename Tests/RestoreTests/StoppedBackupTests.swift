import Backup
import Foundation
import Model
import TestSupport
import Testing

extension OnRealGuests {
  /// Backups of machines that are off.
  @Suite struct StoppedBackupTests {
    @Test func `a device whose machine ran while it was read is read again`() async throws {
      try await RestoreWorld.with { world in
        var options = MicroGuest.Options()
        options.format = "raw"
        options.isBlockDevice = true
        try await withMicroGuest(options) { guest in
          let vps = try await world.register(guest)
          world.hooks.at(BackupMoment.duringRead) {
            // On and off again before the read ends: neither end of it sees that.
            do {
              try await withAnotherNode(of: guest.diskPath) {
                try await guest.libvirt.virsh("start", guest.name)
                try await guest.libvirt.virsh("destroy", guest.name)
              }
              // libvirt tells a moment later.
              try await Task.sleep(for: .seconds(1))
            } catch {
              Issue.record(error)
            }
          }
          _ = try await world.backUp(vps)
          #expect(world.hooks.prioritiesOfImages.count == 2, "opened once an attempt")
        }
      }
    }
  }
}

/// Does something while a device has another node than the one that others have locked, as it has in the mount
/// namespace that libvirt gives a machine.
private func withAnotherNode(of path: String, _ body: () async throws -> Void) async throws {
  let numbers = "$((0x$(stat -c %t $0))) $((0x$(stat -c %T $0)))"
  try await TestProcess.run(
    "bash",
    [
      "-ec",
      "set -- \(numbers); mv $0 $0.kept; mknod $0 b $1 $2; chown --reference=$0.kept $0",
      path,
    ]
  )
  do {
    try await body()
    try await TestProcess.run("mv", ["\(path).kept", path])
  } catch {
    try await TestProcess.run("mv", ["\(path).kept", path])
    throw error
  }
}
