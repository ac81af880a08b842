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

    @Test func `a disk that somebody writes to while it is read is read again`() async throws {
      try await RestoreWorld.with { world in
        var options = MicroGuest.Options()
        options.format = "raw"
        try await withMicroGuest(options) { guest in
          let vps = try await world.register(guest)
          world.hooks.at(BackupMoment.duringRead) {
            // No QEMU, which the lock would keep away.
            do {
              let disk = try FileHandle(forUpdating: URL(filePath: guest.diskPath))
              try disk.write(contentsOf: Data("other".utf8))
              try disk.close()
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
///
/// The first node isn't touched, so that nothing of it tells.
private func withAnotherNode(of path: String, _ body: () async throws -> Void) async throws {
  let numbers = "$((0x$(stat -c %t $0))) $((0x$(stat -c %T $0)))"
  try await TestProcess.run(
    "bash",
    [
      "-ec",
      "set -- \(numbers); mknod $0.other b $1 $2; chown --reference=$0 $0.other; mount --bind $0.other $0",
      path,
    ]
  )
  let outcome: Result<Void, any Error>
  do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
  try await TestProcess.run("bash", ["-ec", "umount $0; rm $0.other", path])
  try outcome.get()
}
