import Foundation
import Hypervisor
import Model
import Testing

import TestSupport

struct BackupSessionTests {
  @Test(arguments: ["raw", "qcow2"])
  func `a pull session offers the disk of its moment until it is aborted`(
    format: String
  ) async throws {
    var options = MicroGuest.Options()
    options.format = format
    try await withMicroGuest(options) { guest in
      let hypervisor = guest.libvirt.hypervisor()
      try await guest.boot()
      try await guest.write("before", to: "/data/marker")
      let folder = try await privateFolder(of: guest)
      let request = BackupRequest(
        socketPath: "\(folder)/nbd.sock",
        disks: [
          BackupRequest.Disk(
            targetDevice: "vda",
            exportName: "disk-0",
            scratchPath: "\(folder)/vda.scratch"
          )
        ]
      )
      #expect(try await hypervisor.backupScratchPaths(of: guest.reference) == nil)
      try await hypervisor.abortBackup(of: guest.reference)

      _ = try await hypervisor.freeze(guest.reference, timeout: .seconds(5))
      try await hypervisor.beginBackup(of: guest.reference, request)
      // The same moment, for comparison, while nothing writes.
      try await TestProcess.run(
        "qemu-img",
        ["convert", "-U", "-f", format, "-O", "raw", guest.diskPath, "\(folder)/moment.raw"]
      )
      try await hypervisor.thaw(guest.reference)
      #expect(
        try await hypervisor.backupScratchPaths(of: guest.reference) == ["\(folder)/vda.scratch"]
      )
      #expect(try await hypervisor.domain(guest.reference).activeJob == .backup)
      await #expect(throws: HypervisorError.self) {
        try await hypervisor.beginBackup(of: guest.reference, request)
      }

      // What the guest writes now is not of that moment.
      try await guest.write("after", to: "/data/marker")
      try await TestProcess.run(
        "nbdcopy",
        ["nbd+unix:///disk-0?socket=\(folder)/nbd.sock", "\(folder)/copy.raw"]
      )
      try await TestProcess.run("cmp", ["\(folder)/moment.raw", "\(folder)/copy.raw"])

      try await hypervisor.abortBackup(of: guest.reference)
      let left = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      #expect(left == ["copy.raw", "moment.raw"])
      let after = try await hypervisor.domain(guest.reference)
      #expect(after.activeJob == nil)
      #expect(after.state == .running)
      #expect(try await guest.read("/data/marker") == "after")
    }
  }

  @Test func `a session offers the named disks only, and a stopped domain has none`()
    async throws
  {
    var options = MicroGuest.Options()
    options.deviceXML = """
      <disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>
      """
    try await withMicroGuest(options) { guest in
      let hypervisor = guest.libvirt.hypervisor()
      let folder = try await privateFolder(of: guest)
      let second = "\(guest.folder)/second.raw"
      try await TestProcess.run("truncate", ["-s", "16M", second])
      try await guest.libvirt.handToQEMU(second)
      try await hypervisor.attachDevice(
        guest.reference,
        xml: """
          <disk type='file' device='disk'><driver name='qemu' type='raw'/>\
          <source file='\(second)'/><target dev='vdb' bus='virtio'/></disk>
          """
      )
      let request = BackupRequest(
        socketPath: "\(folder)/nbd.sock",
        disks: [
          BackupRequest.Disk(
            targetDevice: "vdb",
            exportName: "only <this>",
            scratchPath: "\(folder)/s"
          )
        ]
      )
      await #expect(throws: HypervisorError.self) {
        try await hypervisor.beginBackup(of: guest.reference, request)
      }
      try await guest.boot()
      try await hypervisor.beginBackup(of: guest.reference, request)
      let list = try await TestProcess.run(
        "nbdinfo",
        ["--list", "--json", "nbd+unix://?socket=\(folder)/nbd.sock"]
      )
      #expect(list.contains("only <this>"))
      #expect(list.components(separatedBy: "\"export-name\"").count == 2)
      try await hypervisor.abortBackup(of: guest.reference)
    }
  }

  @Test func `a full scratch pauses the guest, and after an abort it can go on`() async throws {
    try await withMicroGuest { guest in
      let hypervisor = guest.libvirt.hypervisor()
      var events = hypervisor.events().makeAsyncIterator()
      try await guest.boot()
      let folder = try await privateFolder(of: guest)
      // Less than what the guest will overwrite.
      try await TestProcess.run(
        "mount",
        ["-t", "tmpfs", "-o", "size=512k,mode=0777", "scratch", folder]
      )
      try await unmounting(folder) {
        let disk = BackupRequest.Disk(
          targetDevice: "vda",
          exportName: "vda",
          scratchPath: "\(folder)/vda.scratch"
        )
        try await hypervisor.beginBackup(
          of: guest.reference,
          BackupRequest(socketPath: "\(guest.folder)/nbd.sock", disks: [disk])
        )
        try await guest.shell(
          "dd if=/dev/urandom of=/data/blob bs=64k count=64 conv=notrunc,fsync >/dev/null 2>&1 &"
        )
        try await hypervisor.waitUntil(
          guest.reference,
          is: [.pausedOnError],
          within: .seconds(60)
        )
        try await hypervisor.abortBackup(of: guest.reference)
        #expect(try await hypervisor.state(of: guest.reference) == .pausedOnError)
        try await hypervisor.resume(guest.reference)
        #expect(try await hypervisor.state(of: guest.reference) == .running)
        #expect(try await guest.shell("sync && echo sound") == "sound\n")
      }
      var event = await events.next()
      while let seen = event, seen.domain != guest.reference || !seen.kind.isPausingDiskError {
        event = await events.next()
      }
      #expect(event != nil)
    }
  }

  private func unmounting(_ folder: String, _ body: () async throws -> Void) async throws {
    do {
      try await body()
    } catch {
      try await TestProcess.run("umount", ["-l", folder])
      throw error
    }
    try await TestProcess.run("umount", ["-l", folder])
  }

  /// A folder that nobody but QEMU (and root) may enter, as sessions need it.
  private func privateFolder(of guest: MicroGuest) async throws -> String {
    let folder = "\(guest.folder)/session"
    try FileManager.default.createDirectory(
      atPath: folder,
      withIntermediateDirectories: false,
      attributes: [.posixPermissions: 0o700]
    )
    try await guest.libvirt.handToQEMU(folder)
    return folder
  }
}

extension DomainEvent.Kind {
  fileprivate var isPausingDiskError: Bool {
    guard case .diskError(_, let paused) = self else { return false }
    return paused
  }
}
