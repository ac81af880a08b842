import Disks
import Foundation
import Testing

struct ImageLockTests {
  private static let formats = [DiskFormat.raw, .qcow2]

  private func makeImage(_ scratch: String, _ format: DiskFormat) async throws -> String {
    let path = "\(scratch)/disk"
    try await Tool.succeed("qemu-img", "create", "-q", "-f", format.rawValue, path, "8M")
    return path
  }

  /// A machine without an operating system that has the disk open as any guest has.
  private func withGuest(
    _ path: String,
    _ format: DiskFormat,
    _ body: () async throws -> Void
  ) async throws {
    let monitor = path + ".qmp"
    try await withProcess("qemu-system-x86_64", guestArguments(path, format, monitor)) { _ in
      // Its monitor is up before its disk is open, and a lock of ours would keep it from that. It
      // reads a bit of the disk before its device takes it to write, which is byte 101.
      let inode = try inode(path)
      try await eventually("guest up") {
        try String(contentsOfFile: "/proc/locks", encoding: .utf8).split(separator: "\n").contains {
          let fields = $0.split(separator: " ")
          guard let last = fields.last.flatMap({ Int($0) }),
            let first = fields.dropLast().last.flatMap({ Int($0) })
          else { return false }
          return fields.contains { $0.hasSuffix(":\(inode)") } && first <= 101 && last >= 101
        }
      }
      try await body()
    }
  }

  private func guestArguments(_ path: String, _ format: DiskFormat, _ monitor: String) -> [String] {
    [
      "-accel", "tcg", "-display", "none", "-nodefaults", "-S", "-m", "32",
      "-drive", "file=\(path),format=\(format.rawValue),if=virtio",
      "-qmp", "unix:\(monitor),server=on,wait=off",
    ]
  }

  @Test(arguments: formats)
  func `Under the exclusive lock nothing of QEMU's opens the image`(
    format: DiskFormat
  ) async throws {
    try await withScratch { scratch in
      let path = try await makeImage(scratch, format)
      let lock = try await ImageLock.exclusive([path])
      let attempts: [[String]] = [
        ["timeout", "20", "qemu-system-x86_64"]
          + guestArguments(path, format, "\(scratch)/unused"),
        ["qemu-io", "-f", format.rawValue, "-c", "write 0 512", path],
        ["qemu-io", "-r", "-f", format.rawValue, "-c", "read 0 512", path],
        ["timeout", "20", "qemu-nbd", "-k", "\(scratch)/s1", "-f", format.rawValue, path],
        ["timeout", "20", "qemu-nbd", "-r", "-k", "\(scratch)/s2", "-f", format.rawValue, path],
        ["qemu-img", "resize", "-q", "-f", format.rawValue, path, "16M"],
      ]
      for attempt in attempts {
        let result = try await Tool.run(attempt[0], Array(attempt.dropFirst()))
        #expect(result.status != 0 && result.status != 124, "\(attempt)")
        #expect(result.output.contains("lock"), "\(attempt): \(result.output)")
      }
      lock.release()
      try await Tool.succeed("qemu-io", "-f", format.rawValue, "-c", "write 0 512", path)
    }
  }

  @Test(arguments: formats)
  func `A running guest keeps every lock of ours away, and is named`(
    format: DiskFormat
  ) async throws {
    try await withScratch { scratch in
      let path = try await makeImage(scratch, format)
      try await withGuest(path, format) {
        for attempt in [
          { _ = try await ImageLock.exclusive([path]) },
          { _ = try await ImageLock.reader(path) },
        ] as [() async throws -> Void] {
          let error = await #expect(throws: DiskError.self) { try await attempt() }
          guard case .locked(path, let holder)? = error else {
            Issue.record("\(String(describing: error))")
            continue
          }
          #expect(holder?.hasPrefix("qemu-system-x86") == true, "\(holder ?? "nobody")")
        }
      }
      try await eventually("free again") { (try? await ImageLock.exclusive([path])) != nil }
    }
  }

  @Test func `A disk that a guest has open isn't opened a second time`() async throws {
    try await withScratch { scratch in
      let path = try await makeImage(scratch, .qcow2)
      try await withGuest(path, .qcow2) {
        for access in [DiskAccess.read, .write] {
          let error = await #expect(throws: DiskError.self) {
            try await DiskImage.open(path, format: .qcow2, access: access, directory: scratch)
          }
          guard case .locked(path, _)? = error else {
            Issue.record("\(String(describing: error))")
            continue
          }
        }
      }
    }
  }

  @Test(arguments: formats)
  func `Under the reader's lock one reads and nobody writes`(format: DiskFormat) async throws {
    try await withScratch { scratch in
      let path = try await makeImage(scratch, format)
      let lock = try await ImageLock.reader(path)
      let second = try await ImageLock.reader(path)
      let disk = try await DiskImage.open(path, format: format, access: .read, directory: scratch)
      #expect(try await disk.get(512, at: 0).allSatisfy { $0 == 0 })
      try await disk.close()
      try await Tool.succeed("qemu-io", "-r", "-f", format.rawValue, "-c", "read 0 512", path)
      for attempt: [String] in [
        ["timeout", "20", "qemu-system-x86_64"]
          + guestArguments(path, format, "\(scratch)/unused"),
        ["qemu-io", "-f", format.rawValue, "-c", "write 0 512", path],
        ["qemu-img", "resize", "-q", "-f", format.rawValue, path, "16M"],
      ] {
        let result = try await Tool.run(attempt[0], Array(attempt.dropFirst()))
        #expect(result.status != 0 && result.status != 124, "\(attempt)")
        #expect(result.output.contains("lock"), "\(attempt): \(result.output)")
      }
      await #expect(throws: DiskError.self) { try await ImageLock.exclusive([path]) }
      lock.release()
      await #expect(throws: DiskError.self) { try await ImageLock.exclusive([path]) }
      second.release()
      try await ImageLock.exclusive([path]).release()
    }
  }

  @Test func `A child that has not begun its program holds nothing by its own name`() async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk"
      try write([1], to: path)
      let lock = try await ImageLock.exclusive([path])
      defer { lock.release() }
      // Swift hides it, since a child of many threads may do next to nothing. This one only waits.
      let symbol = unsafe dlsym(nil, "fork")
      let fork = try unsafe #require(unsafeBitCast(symbol, to: (@convention(c) () -> pid_t)?.self))
      let child = fork()
      if child == 0 {
        alarm(60)
        while true { pause() }
      }
      defer {
        kill(child, SIGKILL)
        waitpid(child, nil, 0)
      }
      await #expect(throws: DiskError.locked(path: path, by: nil)) {
        try await ImageLock.exclusive([path])
      }
    }
  }

  @Test func `Two exclusive locks never meet, and all files are locked or none`() async throws {
    try await withScratch { scratch in
      let paths = ["a", "b", "c"].map { "\(scratch)/\($0)" }
      for path in paths { try write([1], to: path) }
      let lock = try await ImageLock.exclusive([paths[2]])
      let error = await #expect(throws: DiskError.self) { try await ImageLock.exclusive(paths) }
      // A child of another test's may have a copy of the lock, and be named, while it begins.
      guard case .locked(paths[2], _) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      await #expect(throws: DiskError.self) { try await ImageLock.reader(paths[2]) }
      // The first two were let go of again.
      try await ImageLock.withExclusive([paths[0], paths[1]]) { _ throws(DiskError) in
        _ = await #expect(throws: DiskError.self) { try await ImageLock.reader(paths[0]) }
      }
      lock.release()
      lock.release()
      try await ImageLock.exclusive(paths).release()
      await #expect(throws: DiskError.notFound(path: "\(scratch)/none")) {
        try await ImageLock.exclusive([paths[0], "\(scratch)/none"])
      }
      try await ImageLock.exclusive(paths).release()
    }
  }

  @Test func `A program started meanwhile doesn't keep a lock that was let go of`() async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk"
      try write([1], to: path)
      let image = "\(scratch)/other"
      try await Tool.succeed("qemu-img", "create", "-q", "-f", "qcow2", image, "1M")
      let lock = try await ImageLock.exclusive([path])
      let server = try await QemuNBD.open(image, access: .write, directory: scratch)
      lock.release()
      try await ImageLock.exclusive([path]).release()
      try await server.close()
    }
  }
}
