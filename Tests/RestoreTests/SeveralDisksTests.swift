import Foundation
import Hypervisor
import Model
import Operations
import Restore
import TestSupport
import Testing

extension OnRealGuests {
  /// More than one disk, other sizes, and storage that runs full.
  @Suite struct SeveralDisksTests {
    /// A raw disk of `size` bytes with some data in it, in QEMU's hands.
    private static func addDisk(
      to guest: MicroGuest,
      size: Int64,
      text: String,
      format: String = "qcow2"
    ) async throws -> String {
      let path = "\(guest.folder)/second.\(format)"
      let raw = "\(guest.folder)/second.source"
      try Data().write(to: URL(filePath: raw))
      let file = try FileHandle(forWritingTo: URL(filePath: raw))
      try file.write(contentsOf: Data(repeating: UInt8(ascii: "."), count: 5 << 20))
      try file.write(contentsOf: Data(text.utf8))
      try file.truncate(atOffset: UInt64(size))
      try file.close()
      try await TestProcess.run("qemu-img", ["convert", "-f", "raw", "-O", format, raw, path])
      try FileManager.default.removeItem(atPath: raw)
      try await guest.libvirt.handToQEMU(path)
      try await guest.libvirt.virsh(
        "attach-disk",
        guest.name,
        path,
        "vdb",
        "--config",
        "--driver",
        "qemu",
        "--subdriver",
        format
      )
      return path
    }

    /// The bytes that a guest would see, whatever the format.
    private static func contents(of path: String, format: String) async throws -> Data {
      let raw = "\(path).read"
      try await TestProcess.run("qemu-img", ["convert", "-f", format, "-O", "raw", path, raw])
      defer { try? FileManager.default.removeItem(atPath: raw) }
      return try Data(contentsOf: URL(filePath: raw))
    }

    @Test func `two disks are staged both, then exchanged both, and a larger one ends in zeros`()
      async throws
    {
      try await RestoreWorld.with { world in
        try await withMicroGuest(MicroGuest.Options(named: "alpha")) { source in
          try await withMicroGuest(MicroGuest.Options(named: "bravo")) { target in
            let mine = try await Self.addDisk(to: source, size: 24 << 20, text: "second of alpha")
            let theirs = try await Self.addDisk(to: target, size: 32 << 20, text: "second of bravo")
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            let job = try await world.finished(world.restore(backup, of: a, onto: b))
            _ = try job.restored()
            #expect(
              try Data(contentsOf: URL(filePath: target.diskPath))
                == Data(contentsOf: URL(filePath: source.diskPath))
            )
            let expected = try await Self.contents(of: mine, format: "qcow2")
            let restored = try await Self.contents(of: theirs, format: "qcow2")
            #expect(restored.count == 32 << 20)
            #expect(restored.prefix(expected.count) == expected)
            #expect(restored.dropFirst(expected.count).allSatisfy { $0 == 0 })
            #expect(try world.leftovers(of: target).count == 2)

            try await world.observe(b)
            let undo = try await world.finished(
              world.operations.perform(
                world.operations.undoRestore(RestoreWorld.operatorCaller, job.id.text)
              )
            )
            #expect(undo.state == .completed)
            let back = try await Self.contents(of: theirs, format: "qcow2")
            #expect(String(decoding: back, as: UTF8.self).contains("second of bravo"))
          }
        }
      }
    }

    @Test func `another number of disks is refused before anything is touched`() async throws {
      try await RestoreWorld.with { world in
        try await withMicroGuest(MicroGuest.Options(named: "alpha")) { source in
          try await withMicroGuest(MicroGuest.Options(named: "bravo")) { target in
            _ = try await Self.addDisk(to: source, size: 8 << 20, text: "second")
            let (a, b) = (try await world.register(source), try await world.register(target))
            let backup = try await world.backUp(a)
            let refusal = await #expect(throws: Refusal.self) {
              _ = try await world.restore(backup, of: a, onto: b)
            }
            guard case .invalidRequest(let faults) = refusal else {
              Issue.record("\(String(describing: refusal))")
              return
            }
            #expect(faults.map(\.code) == [.incompatibleDisks])
          }
        }
      }
    }

    @Test func `storage that runs full while staging fails the job and frees the stage`()
      async throws
    {
      try await RestoreWorld.with { world in
        try await withMicroGuest(MicroGuest.Options(named: "alpha")) { source in
          try await withMicroGuest(MicroGuest.Options(named: "bravo")) { target in
            let small = "\(target.folder)/small"
            try FileManager.default.createDirectory(
              atPath: small,
              withIntermediateDirectories: true
            )
            try await TestProcess.run(
              "mount",
              ["-t", "tmpfs", "-o", "size=80m,mode=0755", "tmpfs", small]
            )
            do {
              try await Self.fillWhileStaging(world, source, target, small)
            } catch {
              _ = try? await TestProcess.run("umount", ["-l", small])
              throw error
            }
            try await TestProcess.run("umount", ["-l", small])
          }
        }
      }
    }

    /// The target's disk is empty and fits; its new contents do at first, then somebody fills the
    /// file system.
    private static func fillWhileStaging(
      _ world: RestoreWorld,
      _ source: MicroGuest,
      _ target: MicroGuest,
      _ small: String
    ) async throws {
      let disk = "\(small)/disk.raw"
      try await TestProcess.run("truncate", ["-s", "256M", disk])
      try await world.libvirt.handToQEMU(small)
      let xml = try await world.libvirt.virsh("dumpxml", "--inactive", target.name)
      let definition = "\(target.folder)/moved.xml"
      try xml.replacing(target.diskPath, with: disk)
        .write(toFile: definition, atomically: true, encoding: .utf8)
      try await world.libvirt.virsh("define", definition)
      let (a, b) = (try await world.register(source), try await world.register(target))
      let backup = try await world.backUp(a)
      let job = try await world.restore(backup, of: a, onto: b)
      // Everything but a megabyte is taken before the worker stages.
      try await TestProcess.run(
        "sh",
        ["-c", "dd if=/dev/zero of=\(small)/filler bs=1M count=79 || :"]
      )
      let ended = try await world.finished(job)
      #expect(ended.state == .failed)
      #expect([.hostStorageFull, .invalidRequest].contains(ended.failure?.code))
      #expect(ended.failure?.left == .untouched)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: small).sorted()
          == ["disk.raw", "filler"]
      )
    }

    @Test func `exchange and start don't take longer for a large disk`() async throws {
      try await RestoreWorld.with { world in
        var milliseconds: [Int64] = []
        for size in ["256M", "16G"] {
          var options = MicroGuest.Options(named: "grow")
          options.size = size
          let chosen = options
          try await withMicroGuest(chosen) { source in
            try await withMicroGuest(chosen) { target in
              try await target.boot()
              let (a, b) = (try await world.register(source), try await world.register(target))
              let backup = try await world.backUp(a)
              let result = try await world.finished(
                world.restore(backup, of: a, onto: b)
              ).restored()
              milliseconds.append(
                result.downtime.exchangeMilliseconds + result.downtime.startMilliseconds
              )
            }
          }
        }
        // Copying 16 GiB takes many seconds; what may differ here is only how busy the machine is.
        #expect(milliseconds[1] < milliseconds[0] + 2000, "\(milliseconds)")
      }
    }
  }
}
