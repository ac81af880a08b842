import CLinux
import Disks
import Foundation
import Glibc
import Testing

struct QemuNBDTests {
  private func makeImage(_ path: String, _ size: String = "64M") async throws {
    try await makeQcow2(path, size: size)
  }

  @Test(arguments: ["512", "1M", "67109376"])
  func `A qcow2 image holds what was written, and only that`(size: String) async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk.qcow2"
      try await makeImage(path, size)
      let disk = try await DiskImage.open(path, format: .qcow2, access: .write, directory: scratch)
      var expected = [UInt8](repeating: 0, count: Int(disk.size))
      let count = min(expected.count, 300_000)
      let tail = expected.count - min(count, 70_001)
      try await disk.put(pattern(count), at: 0)
      expected.replaceSubrange(0..<count, with: pattern(count))
      try await disk.put(pattern(expected.count - tail, seed: 5), at: Int64(tail))
      expected.replaceSubrange(tail..., with: pattern(expected.count - tail, seed: 5))
      try await disk.flush()
      #expect(try await disk.get(expected.count, at: 0) == expected)
      try await disk.close()
      await #expect(throws: DiskError.closed) { try await disk.get(1, at: 0) }
      try await Tool.succeed("qemu-img", "check", "-q", path)
      try await Tool.succeed(
        "qemu-img",
        "convert",
        "-f",
        "qcow2",
        "-O",
        "raw",
        path,
        "\(scratch)/raw"
      )
      #expect(try contents("\(scratch)/raw") == expected)
    }
  }

  @Test func `Requests at the same time all land where they belong`() async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk.qcow2"
      try await makeImage(path)
      let disk = try await DiskImage.open(path, format: .qcow2, access: .write, directory: scratch)
      try await withThrowingTaskGroup { group in
        for number in 0..<32 {
          group.addTask {
            try await disk.put(
              pattern(1 << 20, seed: UInt8(number)),
              at: Int64((number * 7) % 32) << 21
            )
          }
        }
        try await group.waitForAll()
      }
      try await disk.flush()
      for number in 0..<32 {
        let found = try await disk.get(1 << 20, at: Int64((number * 7) % 32) << 21)
        #expect(found == pattern(1 << 20, seed: UInt8(number)))
      }
      try await disk.close()
    }
  }

  @Test func `What was never written or was zeroed takes no room and reads as zeros`() async throws
  {
    try await withScratch { scratch in
      let path = "\(scratch)/disk.qcow2"
      let mebibyte: Int64 = 1 << 20
      try await makeImage(path)
      let disk = try await DiskImage.open(path, format: .qcow2, access: .write, directory: scratch)
      #expect(
        try await disk.extents(in: 0..<disk.size) == [Extent(range: 0..<disk.size, isZero: true)]
      )
      try await disk.zero(at: 0, count: disk.size)
      try await disk.flush()
      #expect(try await DiskImage.allocatedBytes(path) < mebibyte)
      try await disk.put(pattern(8 << 20), at: 8 * mebibyte)
      // Zeros in disguise don't take room either.
      try await disk.put([UInt8](repeating: 0, count: 8 << 20), at: 32 * mebibyte)
      try await disk.flush()
      let full = try await DiskImage.allocatedBytes(path)
      #expect((8 * mebibyte..<10 * mebibyte).contains(full))
      #expect(
        try await disk.extents(in: 4 * mebibyte..<20 * mebibyte) == [
          Extent(range: 4 * mebibyte..<8 * mebibyte, isZero: true),
          Extent(range: 8 * mebibyte..<16 * mebibyte, isZero: false),
          Extent(range: 16 * mebibyte..<20 * mebibyte, isZero: true),
        ]
      )
      try await disk.zero(at: 8 * mebibyte, count: 4 * mebibyte)
      try await disk.flush()
      let rest = try await DiskImage.allocatedBytes(path)
      #expect(rest <= full - 4 * mebibyte + 65536, "\(full) \(rest)")
      #expect(try await disk.get(1 << 20, at: 9 * mebibyte).allSatisfy { $0 == 0 })
      try await disk.close()
    }
  }

  @Test func `A raw byte in the image is never taken for a format of its own`() async throws {
    try await withScratch { scratch in
      // The guest writes a qcow2 header that names a host file into its raw disk.
      try write(pattern(4096), to: "\(scratch)/secret")
      let path = "\(scratch)/disk"
      try await Tool.succeed(
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "-b",
        "\(scratch)/secret",
        "-F",
        "raw",
        path
      )
      let bytes = try contents(path)
      let disk = try await DiskImage.open(path, format: .raw, access: .read, directory: scratch)
      #expect(try await disk.get(bytes.count, at: 0) == bytes)
      try await disk.close()
    }
  }

  @Test func `Paths with every odd character are served`() async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/a,b:c \"d\" \\e json:{ü}'.qcow2"
      try await makeImage("\(scratch)/plain")
      try FileManager.default.moveItem(atPath: "\(scratch)/plain", toPath: path)
      let disk = try await DiskImage.open(path, format: .qcow2, access: .write, directory: scratch)
      try await disk.put([1, 2, 3], at: 77)
      #expect(try await disk.get(5, at: 76) == [0, 1, 2, 3, 0])
      try await disk.close()
    }
  }

  @Test func `The socket stands in a directory that only we can enter, and goes with it`()
    async throws
  {
    try await withScratch { scratch in
      let path = "\(scratch)/disk.qcow2"
      let runtime = "\(scratch)/run"
      try await RuntimeDirectory.ensure(runtime)
      try await makeImage(path)
      let disk = try await QemuNBD.open(path, access: .read, directory: runtime)
      let names = try FileManager.default.contentsOfDirectory(atPath: runtime)
      let name = try #require(names.first)
      #expect(try mode("\(runtime)/\(name)") == 0o700)
      #expect(exists("\(runtime)/\(name)/nbd"))
      #expect(kill(disk.processID, 0) == 0)
      try await disk.close()
      #expect(try FileManager.default.contentsOfDirectory(atPath: runtime).isEmpty)
      #expect(kill(disk.processID, 0) != 0)
      try await disk.close()
    }
  }

  @Test func `A reader can't write`() async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk.qcow2"
      try await makeImage(path)
      let disk = try await DiskImage.open(path, format: .qcow2, access: .read, directory: scratch)
      await #expect(throws: DiskError.self) { try await disk.put([1], at: 0) }
      await #expect(throws: DiskError.self) { try await disk.zero(at: 0, count: 512) }
      try await disk.flush()
      try await disk.close()
    }
  }

  @Test func `A full file system is told as such`() async throws {
    try await withScratch { scratch in
      try await withMount(scratch, ["-t", "tmpfs", "-o", "size=8m", "tmpfs"]) { point in
        let path = "\(point)/disk.qcow2"
        try await makeImage(path)
        let disk = try await DiskImage.open(
          path,
          format: .qcow2,
          access: .write,
          directory: scratch
        )
        await #expect(throws: DiskError.outOfSpace(path: path)) {
          for part in 0..<32 { try await disk.put(pattern(1 << 20), at: Int64(part) << 20) }
          try await disk.flush()
        }
        _ = try? await disk.close()
      }
    }
  }

  @Test func `A server killed in the middle is told with its name, and nothing hangs`()
    async throws
  {
    try await withScratch { scratch in
      let path = "\(scratch)/disk.qcow2"
      try await makeImage(path)
      let disk = try await QemuNBD.open(path, access: .write, directory: scratch)
      try await disk.put(pattern(1 << 20), at: 0)
      // Stopped first, so that requests are under way when it dies.
      kill(disk.processID, SIGSTOP)
      let errors = await withTaskGroup(of: DiskError?.self) { group in
        for number in 0..<6 {
          group.addTask {
            do throws(DiskError) {
              _ = try await disk.get(1 << 20, at: Int64(number) << 20)
              return nil
            } catch {
              return error
            }
          }
        }
        kill(disk.processID, SIGKILL)
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(errors.count == 6)
      for error in errors {
        guard case .serverEnded("qemu-nbd", _)? = error else {
          Issue.record("\(String(describing: error))")
          continue
        }
      }
      await #expect(throws: DiskError.self) { try await disk.flush() }
      await #expect(throws: DiskError.self) { try await disk.close() }
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch) == ["disk.qcow2"])
    }
  }

  @Test func `The server dies with the process that started it, even killed`() async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk.qcow2"
      try await makeImage(path)
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [scratch = scratch as String, path = path as String] in
        let disk = try await QemuNBD.open(path, access: .write, directory: scratch)
        try await disk.put([1], at: 0)
        try "\(disk.processID)".write(toFile: "\(scratch)/pid", atomically: true, encoding: .utf8)
        kill(getpid(), SIGKILL)
      }
      let text = try String(contentsOfFile: "\(scratch)/pid", encoding: .utf8)
      let server = try #require(Int32(text))
      try await eventually("qemu-nbd gone") {
        let state = try? String(contentsOfFile: "/proc/\(server)/stat", encoding: .utf8)
        return state == nil || state?.contains(") Z") == true
      }
      // And its lock with it.
      try await eventually("image free") {
        (try? await ImageLock.exclusive([path])) != nil
      }
    }
  }

  @Test func `A server that can't start says why`() async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk.qcow2"
      try await makeImage(path)
      var image = try contents(path)
      // The first-level table is far behind the end of the file: the header alone can't tell.
      image.replaceSubrange(36..<40, with: [0, 0, 0, 0])
      try write(image, to: path)
      let error = await #expect(throws: DiskError.self) {
        try await DiskImage.open(path, format: .qcow2, access: .read, directory: scratch)
      }
      guard case .tool("qemu-nbd", let message)? = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(message.contains("L1"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch) == ["disk.qcow2"])
    }
  }

  @Test func `A server that takes too long is ended, and that is told`() async throws {
    let process = try await ChildProcess.start("sleep", ["60"])
    let id = process.id
    let error = await #expect(throws: DiskError.self) {
      try await process.withDeadline(.milliseconds(50)) { () throws(DiskError) in
        do {
          try await eventually("ended") {
            try String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8).contains(") Z")
          }
        } catch {
          Issue.record(error)
        }
      }
    }
    guard case .tool("sleep", _)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    let quick = try await ChildProcess.start("sleep", ["60"])
    #expect(try await quick.withDeadline(.seconds(60)) { 5 } == 5)
    #expect(kill(quick.id, 0) == 0)
  }

  @Test func `A program that is waited for tells its end, and has one`() async throws {
    for code: Int32 in [0, 3] {
      let program = try await ChildProcess.start("sh", ["-c", "exit \(code)"])
      #expect(await program.exitCode(within: .seconds(60)) == code)
    }
    let dying = try await ChildProcess.start("sh", ["-c", "kill -KILL $$"])
    #expect(await dying.exitCode(within: .seconds(60)) == nil)
    let late = try await ChildProcess.start("sleep", ["60"])
    #expect(await late.exitCode(within: .milliseconds(10)) == nil)
    #expect(kill(late.id, 0) == -1)
    let unwanted = try await ChildProcess.start("sleep", ["60"])
    await withTaskGroup { group in
      group.addTask { await unwanted.exitCode(within: .seconds(60)) }
      group.cancelAll()
      #expect(await group.next() == .some(nil))
    }
    #expect(kill(unwanted.id, 0) == -1)
  }

  @Test func `A pipe in an image's place is refused and not waited for`() async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk"
      try await Tool.succeed("mkfifo", path)
      for format in DiskFormat.allCases {
        await #expect(throws: DiskError.self) {
          try await DiskImage.open(path, format: format, access: .read, directory: scratch)
        }
      }
    }
  }

  @Test func `A directory whose path is too long for a socket is refused`() async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk.qcow2"
      try await makeImage(path)
      let long = "\(scratch)/\(String(repeating: "x", count: 100))"
      try await RuntimeDirectory.ensure(long)
      await #expect(throws: DiskError.self) {
        try await DiskImage.open(path, format: .qcow2, access: .read, directory: long)
      }
    }
  }
}
