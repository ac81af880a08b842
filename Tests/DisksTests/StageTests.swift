import CLinux
import Foundation
import Glibc
import Testing

@testable import Disks

struct StageTests {
  private let job = "job_01hzy6c4k2v8w3r5t7n9m1q0xz"

  @Test func `A raw stage is an empty disk beside the old one, open to the same users`()
    async throws
  {
    try await withScratch { scratch in
      let current = "\(scratch)/web 1.img"
      try write(pattern(10_000), to: current)
      try #require(unsafe chown(current, 4711, 4712) == 0 && chmod(current, 0o640) == 0)
      let stage = try await Stage.create(
        beside: current,
        format: .raw,
        virtualSize: 12_345,
        job: job,
        disk: "vda"
      )
      #expect(stage.path == "\(scratch)/.web 1.img.rehome-\(job)")
      #expect(try await DiskImage.virtualSize(stage.path, format: .raw) == 12_345)
      #expect(try await DiskImage.allocatedBytes(stage.path) <= 4096)
      #expect(try mode(stage.path) == 0o640)
      var status = stat()
      #expect(unsafe stat(stage.path, &status) == 0)
      #expect(status.st_uid == 4711 && status.st_gid == 4712)
      #expect(try await Stamp.read(stage.path) == Stamp(role: .new, job: job, disk: "vda"))
      #expect(try await Stamp.read(current) == nil)
      #expect(try contents(current) == pattern(10_000))
    }
  }

  @Test(arguments: [
    "compat=0.10", "compat=1.1", "cluster_size=8192,refcount_bits=64",
    "cluster_size=128k,extended_l2=on,compression_type=zstd",
  ])
  func `A qcow2 stage has the geometry of the old image`(options: String) async throws {
    try await withScratch { scratch in
      let current = "\(scratch)/disk"
      try await makeQcow2(current, size: "64M", options: options)
      let stage = try await Stage.create(
        beside: current,
        format: .qcow2,
        virtualSize: 64 << 20,
        job: job,
        disk: "vda"
      )
      #expect(try await Qcow2Header.read(stage.path) == Qcow2Header.read(current))
      #expect(try await Stamp.read(stage.path)?.role == .new)
      #expect(try await DiskImage.allocatedBytes(stage.path) < 1 << 20)
    }
  }

  @Test func `A job has one stage, which it finds again`() async throws {
    try await withScratch { scratch in
      let current = "\(scratch)/disk"
      try write([1], to: current)
      #expect(try await Stage.existing(for: current, job: job, disk: "vda") == nil)
      let stage = try await Stage.create(
        beside: current,
        format: .raw,
        virtualSize: 512,
        job: job,
        disk: "vda"
      )
      #expect(try await Stage.existing(for: current, job: job, disk: "vda") == stage)
      let error = DiskError.io(operation: "open", path: stage.path, errno: EEXIST)
      await #expect(throws: error) {
        try await Stage.create(
          beside: current,
          format: .raw,
          virtualSize: 512,
          job: job,
          disk: "vda"
        )
      }
      await #expect(throws: DiskError.stampMismatch(path: stage.path)) {
        try await Stage.existing(for: current, job: job, disk: "vdb")
      }
    }
  }

  @Test func `A stage that can't be made leaves nothing`() async throws {
    try await withScratch { scratch in
      let current = "\(scratch)/disk"
      try await makeQcow2(current, size: "1M")
      await #expect(throws: DiskError.self) {
        try await Stage.create(
          beside: current,
          format: .qcow2,
          virtualSize: -5,
          job: job,
          disk: "vda"
        )
      }
      await #expect(throws: DiskError.self) {
        try await Stage.create(
          beside: current,
          format: .raw,
          virtualSize: -5,
          job: job,
          disk: "vda"
        )
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch) == ["disk"])
    }
  }

  @Test func `An empty file is the job's stage before its stamp, and one with content isn't`()
    async throws
  {
    try await withScratch { scratch in
      let path = Stage.path(for: "\(scratch)/disk", job: job)
      let stamp = Stamp(role: .new, job: job, disk: "vda")
      try write([], to: path)
      #expect(try await Stage.discard(path, expecting: stamp))
      #expect(!exists(path))
      try write([1], to: path)
      await #expect(throws: DiskError.stampMismatch(path: path)) {
        try await Stage.discard(path, expecting: stamp)
      }
      // Another job's name, and another's file.
      try write([], to: "\(scratch)/disk")
      for other in [stamp, Stamp(role: .old, job: job, disk: "vda")] {
        await #expect(throws: DiskError.stampMismatch(path: "\(scratch)/disk")) {
          try await Stage.discard("\(scratch)/disk", expecting: other)
        }
      }
    }
  }

  @Test func `Only the file with the expected stamp is discarded`() async throws {
    try await withScratch { scratch in
      let current = "\(scratch)/disk"
      try write([1], to: current)
      let stage = try await Stage.create(
        beside: current,
        format: .raw,
        virtualSize: 512,
        job: job,
        disk: "vda"
      )
      for other in [
        Stamp(role: .old, job: job, disk: "vda"), Stamp(role: .new, job: "other", disk: "vda"),
        Stamp(role: .new, job: job, disk: "vdb"),
      ] {
        await #expect(throws: DiskError.stampMismatch(path: stage.path)) {
          try await Stage.discard(stage.path, expecting: other)
        }
      }
      await #expect(throws: DiskError.stampMismatch(path: current)) {
        try await Stage.discard(current, expecting: stage.stamp)
      }
      // A foreign file isn't even locked, so that it doesn't matter who else has it.
      let elsewhere = try await ImageLock.exclusive([current])
      await #expect(throws: DiskError.stampMismatch(path: current)) {
        try await Stage.discard(current, expecting: stage.stamp)
      }
      elsewhere.release()
      let lock = try await ImageLock.exclusive([stage.path])
      await #expect(throws: DiskError.locked(path: stage.path, by: nil)) {
        try await Stage.discard(stage.path, expecting: stage.stamp)
      }
      let unrelated = try await ImageLock.exclusive([current])
      await #expect(throws: DiskError.stampMismatch(path: stage.path)) {
        try await Stage.discard(stage.path, expecting: stage.stamp, holding: unrelated)
      }
      #expect(exists(stage.path))
      #expect(try await Stage.discard(stage.path, expecting: stage.stamp, holding: lock))
      #expect(!exists(stage.path))
      #expect(try await !Stage.discard(stage.path, expecting: stage.stamp))
      #expect(try contents(current) == [1])
    }
  }

  @Test(arguments: ["", "{}", "no json", #"{"role":"newer","job":"j","disk":"d"}"#])
  func `A stamp that isn't ours is no stamp`(text: String) async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk"
      try write([1], to: path)
      #expect(unsafe setxattr(path, Stamp.attribute, text, text.utf8.count, 0) == 0)
      #expect(try await Stamp.read(path) == nil)
      try await Stamp(role: .old, job: "j", disk: "d").write(path)
      #expect(try await Stamp.read(path) == Stamp(role: .old, job: "j", disk: "d"))
    }
  }

  @Test func `Access lists are copied, and taken away where the source has none`() async throws {
    try await withScratch { scratch in
      let paths = ["with", "without", "target"].map { "\(scratch)/\($0)" }
      for path in paths { try write([1], to: path) }
      // Version 2; owner rw, user 4711 r, group nothing, mask r, others nothing.
      let entries: [(UInt16, UInt16, UInt32)] = [
        (1, 6, .max), (2, 4, 4711), (4, 0, .max), (16, 4, .max), (32, 0, .max),
      ]
      var list: [UInt8] = [2, 0, 0, 0]
      for (tag, rights, id) in entries {
        for (value, width) in [(UInt32(tag), 2), (UInt32(rights), 2), (id, 4)] {
          for byte in 0..<width { list.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
        }
      }
      let name = "system.posix_acl_access"
      guard unsafe setxattr(paths[0], name, list, list.count, 0) == 0 else {
        try Test.cancel("no access lists here")
      }
      try await FileAttributes.copy(from: paths[0], to: paths[2])
      var found = [UInt8](repeating: 0, count: 256)
      #expect(unsafe getxattr(paths[2], name, &found, found.count) == list.count)
      #expect(Array(found.prefix(list.count)) == list)
      try await FileAttributes.copy(from: paths[1], to: paths[2])
      #expect(unsafe getxattr(paths[2], name, &found, found.count) == -1)
    }
  }

  @Test func `Identity, free space and runtime directories are what the system says`()
    async throws
  {
    try await withScratch { scratch in
      let path = "\(scratch)/disk"
      try write(pattern(100), to: path)
      let identity = try await FileIdentity.of(path)
      #expect(identity.inode == (try inode(path)))
      #expect(identity.size == 100)
      #expect(identity.modified > 1_600_000_000_000_000_000)
      #expect(try await FileIdentity.of(path) == identity)
      try write(pattern(101), to: path)
      #expect(try await FileIdentity.of(path) != identity)
      let space = try await FreeSpace.at(scratch)
      #expect(space.fileSystem == identity.fileSystem)
      #expect((1...space.totalBytes).contains(space.freeBytes))

      let parent = "\(scratch)/abandoned"
      try await RuntimeDirectory.ensure(parent)
      try await RuntimeDirectory.ensure("\(parent)/job_1")
      let left = try await RuntimeDirectory.makePrivate(in: parent)
      try write(pattern(1), to: left.path + "/nbd")
      await RuntimeDirectory.removeAbandoned(in: parent)
      #expect(try FileManager.default.contentsOfDirectory(atPath: parent) == ["job_1"])

      let directory = "\(scratch)/run"
      #expect(try await RuntimeDirectory.ensure(directory).path == directory)
      #expect(try mode(directory) == 0o700)
      try #require(unsafe chmod(directory, 0o777) == 0)
      try await RuntimeDirectory.ensure(directory, owner: .init(user: 4711, group: 4712))
      #expect(try mode(directory) == 0o700)
      var status = stat()
      #expect(unsafe stat(directory, &status) == 0 && status.st_uid == 4711)
      // Now it is someone else's, and so are a file and a link at that place.
      for wrong in [directory, path, "\(scratch)/link"] {
        if wrong.hasSuffix("link") { try await Tool.succeed("ln", "-s", "/tmp", wrong) }
        await #expect(throws: DiskError.self) { try await RuntimeDirectory.ensure(wrong) }
      }
      try await RuntimeDirectory.ensure(directory, owner: .init(user: 4711, group: 0)).remove()
      #expect(!exists(directory))
    }
  }
}

struct CloneTests {
  @Test func `A clone that ran out of room leaves nothing of itself in the empty stage`()
    async throws
  {
    try await withScratch { scratch in
      let current = "\(scratch)/disk"
      try write(pattern(1 << 20), to: current)
      let stage = try await Stage.create(
        beside: current,
        format: .raw,
        virtualSize: 1 << 20,
        job: "job",
        disk: "vda",
        isCloneWanted: true,
        // As a file system does that runs full halfway.
        cloning: { file, source in
          var bytes = [UInt8](repeating: 0, count: 1 << 19)
          let count = unsafe pread(source, &bytes, bytes.count, 0)
          guard count == bytes.count, unsafe pwrite(file, bytes, count, 0) == count else {
            return 0
          }
          errno = ENOSPC
          return -1
        }
      )
      #expect(!stage.isClone)
      let found = try contents(stage.path)
      #expect(found.count == 1 << 20)
      #expect(found.allSatisfy { $0 == 0 })
    }
  }

  @Test func `A clone holds what the disk held, and later writes to either don't meet`()
    async throws
  {
    try await withScratch { scratch in
      try await withReflink(scratch) { point in
        let current = "\(point)/disk"
        let held = pattern(1 << 20)
        try write(held, to: current)
        let stage = try await Stage.create(
          beside: current,
          format: .raw,
          virtualSize: 1 << 20,
          job: "job-a",
          disk: "vda",
          isCloneWanted: true
        )
        #expect(stage.isClone)
        #expect(try await Stamp.read(stage.path)?.role == .new)
        #expect(try contents(stage.path) == held)
        let live = try await RawDisk.open(current, access: .write)
        try await live.put(pattern(4096, seed: 3), at: 8192)
        try await live.close()
        #expect(try contents(stage.path) == held)
      }
    }
  }

  @Test func `Where nothing can be cloned the stage is empty`() async throws {
    try await withScratch { scratch in
      try await withMount(scratch, ["-t", "tmpfs", "-o", "size=8m", "tmpfs"]) { point in
        try write(pattern(1 << 20), to: "\(point)/disk")
        let stage = try await Stage.create(
          beside: "\(point)/disk",
          format: .raw,
          virtualSize: 1 << 20,
          job: "job-a",
          disk: "vda",
          isCloneWanted: true
        )
        #expect(!stage.isClone)
        #expect(try contents(stage.path) == [UInt8](repeating: 0, count: 1 << 20))
      }
    }
  }

  @Test func `A disk is cloned only with room for both to be whole`() async throws {
    try await withScratch { scratch in
      try await withReflink(scratch) { point in
        try write(pattern(8 << 20), to: "\(point)/disk")
        let alone = try await CloneCheck.look(at: "\(point)/disk", reservedBytes: 0)
        guard case .allowed = alone else {
          Issue.record("\(alone)")
          return
        }
        let finding = try await CloneCheck.look(at: "\(point)/disk", reservedBytes: 1 << 40)
        guard case .cramped(let needed, _) = finding else {
          Issue.record("\(finding)")
          return
        }
        #expect(needed >= (1 << 40) + (8 << 20))
      }
    }
  }
}

/// A small XFS that can reflink.
func withReflink(_ scratch: String, _ body: (String) async throws -> Void) async throws {
  let image = "\(scratch)/xfs.img"
  try await Tool.succeed("truncate", "-s", "512M", image)
  guard try await Tool.run("mkfs.xfs", "-q", "-m", "reflink=1", image).status == 0 else {
    try Test.cancel("no mkfs.xfs here")
  }
  try await withMount(scratch, ["-o", "loop", image], body)
}
