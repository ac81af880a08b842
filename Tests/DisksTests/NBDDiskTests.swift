import CLinux
import Disks
import Foundation
import Glibc
import NBD
import Testing

struct NBDDiskTests {
  /// A server made by nbdkit, whose plugins and filters fail as they are told.
  private func withServer(
    _ scratch: String,
    _ arguments: [String],
    _ body: (String) async throws -> Void
  ) async throws {
    let socket = "\(scratch)/nbdkit"
    try await withProcess("nbdkit", ["-f", "-U", socket] + arguments) { _ in
      try await eventually("nbdkit up") { exists(socket) }
      try await body(socket)
    }
  }

  /// A disk of one mebibyte that takes everything, but answers `faults`.
  private func evalArguments(_ faults: String...) -> [String] {
    let plain = [
      "get_size=echo 1048576", "pread=head -c $3 /dev/zero", "pwrite=cat >/dev/null",
      "can_write=exit 0", "can_flush=exit 0", "can_multi_conn=exit 0", "flush=exit 0",
    ]
    let names = Set(faults.map { $0.prefix { $0 != "=" } })
    return ["eval"] + plain.filter { !names.contains($0.prefix { $0 != "=" }) } + faults
  }

  @Test(.timeLimit(.minutes(1)))
  func `A request that waits for its answer ends when the connection is cut`() async throws {
    try await withScratch { scratch in
      let asked = "\(scratch)/asked"
      let arguments = evalArguments("pread=touch \(asked); exec sleep 3600")
      try await withServer(scratch, arguments) { socket in
        let disk = try await NBDDisk.open(socket: socket, export: "")
        try await withThrowingTaskGroup { group in
          group.addTask {
            await #expect(throws: DiskError.self) { try await disk.get(512, at: 0) }
          }
          try await eventually("a request") { exists(asked) }
          disk.hangUp()
          try await group.waitForAll()
        }
        await #expect(throws: DiskError.self) { try await disk.get(512, at: 0) }
        try await disk.close()
      }
    }
  }

  @Test func `Several connections read and write one export`() async throws {
    try await withScratch { scratch in
      try await withServer(scratch, ["memory", "8M"]) { socket in
        let disk = try await NBDDisk.open(socket: socket, export: "")
        #expect(disk.size == 8 << 20)
        try await withThrowingTaskGroup { group in
          for number in 0..<8 {
            group.addTask {
              try await disk.put(pattern(65536, seed: UInt8(number)), at: Int64(number) << 20)
            }
          }
          try await group.waitForAll()
        }
        try await disk.flush()
        for number in 0..<8 {
          let found = try await disk.get(65536, at: Int64(number) << 20)
          #expect(found == pattern(65536, seed: UInt8(number)))
        }
        try await disk.zero(at: 0, count: 8 << 20)
        #expect(try await disk.get(65536, at: 1 << 20).allSatisfy { $0 == 0 })
        let beyond = DiskError.io(
          operation: "access beyond the end",
          path: socket,
          errno: EINVAL
        )
        await #expect(throws: beyond) { try await disk.get(2, at: 8 << 20) }
        try await disk.close()
        await #expect(throws: DiskError.closed) { try await disk.get(2, at: 0) }
      }
    }
  }

  @Test func `A server that knows neither allocation nor zeroing is used with what it has`()
    async throws
  {
    try await withScratch { scratch in
      let filters = ["--filter=noextents", "--filter=nozero", "memory", "4M"]
      try await withServer(scratch, filters) { socket in
        let disk = try await NBDDisk.open(socket: socket, export: "")
        #expect(
          try await disk.extents(in: 100..<2000) == [Extent(range: 100..<2000, isZero: false)]
        )
        try await disk.put(pattern(10_000), at: 50)
        try await disk.zero(at: 1050, count: 3_000_000)
        #expect(
          try await disk.get(10_000, at: 50)
            == Array(pattern(10_000).prefix(1000)) + [UInt8](repeating: 0, count: 9000)
        )
        try await disk.flush()
        try await disk.close()
      }
    }
  }

  @Test func `A range that failed to read is an error, and the next one is read`() async throws {
    try await withScratch { scratch in
      let fault =
        "pread=if [ $4 = 4096 ]; then echo EIO no luck >&2; exit 1; fi; head -c $3 /dev/zero"
      try await withServer(scratch, evalArguments(fault)) { socket in
        let disk = try await NBDDisk.open(socket: socket, export: "", path: "/the/disk")
        let error = DiskError.io(operation: "nbd pread", path: "/the/disk", errno: EIO)
        await #expect(throws: error) { try await disk.get(512, at: 4096) }
        #expect(try await disk.get(512, at: 8192).count == 512)
        try await disk.close()
      }
    }
  }

  @Test func `A server without space is told as such`() async throws {
    try await withScratch { scratch in
      let fault = "pwrite=echo ENOSPC full >&2; exit 1"
      try await withServer(scratch, evalArguments(fault)) { socket in
        let disk = try await NBDDisk.open(socket: socket, export: "", path: "/the/disk")
        await #expect(throws: DiskError.outOfSpace(path: "/the/disk")) {
          try await disk.put([1], at: 0)
        }
        try await disk.close()
      }
    }
  }

  @Test func `A flush that failed once is never tried again`() async throws {
    try await withScratch { scratch in
      // It would work the second time, as the kernel's does, with the data gone.
      let fault = """
        flush=if [ ! -e \(scratch)/failed ]; then touch \(scratch)/failed; echo EIO >&2; exit 1; fi
        """
      try await withServer(scratch, evalArguments(fault)) { socket in
        let disk = try await NBDDisk.open(socket: socket, export: "", path: "/the/disk")
        let error = DiskError.io(operation: "nbd flush", path: "/the/disk", errno: EIO)
        try await disk.put([1], at: 0)
        for _ in 0..<3 {
          await #expect(throws: error) { try await disk.flush() }
          await #expect(throws: error) { try await disk.put([1], at: 0) }
        }
        try await disk.close()
      }
    }
  }

  @Test func `A server that can't make anything durable can't be flushed`() async throws {
    try await withScratch { scratch in
      try await withServer(scratch, evalArguments("can_flush=exit 3")) { socket in
        let disk = try await NBDDisk.open(socket: socket, export: "", path: "/the/disk")
        try await disk.put([1], at: 0)
        let error = DiskError.io(operation: "nbd flush", path: "/the/disk", errno: ENOTSUP)
        await #expect(throws: error) { try await disk.flush() }
        try await disk.close()
      }
    }
  }

  @Test func `No server, no such export and a vanished server are errors`() async throws {
    try await withScratch { scratch in
      await #expect(throws: DiskError.notFound(path: "\(scratch)/none")) {
        try await NBDDisk.open(socket: "\(scratch)/none", export: "")
      }
      let image = "\(scratch)/disk"
      try write(pattern(8192), to: image)
      let socket = "\(scratch)/s"
      try await withProcess(
        "qemu-nbd",
        ["-t", "-r", "-f", "raw", "-x", "disk", "-k", socket, image]
      ) {
        server in
        try await eventually("qemu-nbd up") { exists(socket) }
        await #expect(throws: DiskError.self) {
          try await NBDDisk.open(socket: socket, export: "other")
        }
        let disk = try await NBDDisk.open(socket: socket, export: "disk")
        #expect(try await disk.get(8192, at: 0) == pattern(8192))
        kill(server.id, SIGKILL)
        await #expect(throws: DiskError.self) { try await disk.get(8192, at: 0) }
        await #expect(throws: DiskError.self) { try await disk.get(8192, at: 0) }
        try await disk.close()
      }
    }
  }

  @Test func `Dirty bitmaps are told in their own context`() async throws {
    try await withScratch { scratch in
      let image = "\(scratch)/disk"
      try await Tool.succeed("qemu-img", "create", "-q", "-f", "qcow2", image, "8M")
      try await Tool.succeed("qemu-img", "bitmap", "--add", "-g", "65536", image, "mark")
      try await Tool.succeed("qemu-io", "-f", "qcow2", "-c", "write 1M 64k", image)
      let socket = "\(scratch)/s"
      let arguments = ["-t", "-r", "-f", "qcow2", "-x", "disk", "-B", "mark", "-k", socket, image]
      try await withProcess("qemu-nbd", arguments) { _ in
        try await eventually("qemu-nbd up") { exists(socket) }
        let context = "qemu:dirty-bitmap:mark"
        let disk = try await NBDDisk.open(socket: socket, export: "disk", contexts: [context])
        #expect(
          try await disk.blockStatus(of: 0..<8 << 20, context: context) == [
            NBDExtent(range: 0..<1 << 20, flags: 0),
            NBDExtent(range: 1 << 20..<17 << 16, flags: 1),
            NBDExtent(range: 17 << 16..<8 << 20, flags: 0),
          ]
        )
        #expect(try await disk.extents(in: 0..<8 << 20).map(\.isZero) == [true, false, true])
        try await disk.close()
      }
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `A server that takes a connection and says nothing is given up in time`() async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/silent"
      try await withProcess(
        "python3",
        [
          "-c",
          "import socket,time; s=socket.socket(socket.AF_UNIX); s.bind('\(path)'); "
            + "s.listen(); open('\(path).up','w'); time.sleep(60)",
        ]
      ) { _ in
        try await eventually("silent server up") { exists("\(path).up") }
        let error = await #expect(throws: NBDError.self) {
          try await BlockingExecutor(label: "test", width: 1).run { () throws(NBDError) in
            _ = try NBDConnection(socket: path, export: "", within: .milliseconds(300))
          }
        }
        #expect(error?.errno == ETIMEDOUT)
      }
    }
  }
}
