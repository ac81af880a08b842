import CLinux
import Disks
import Foundation
import Glibc
import Testing

struct RawDiskTests {
  @Test(arguments: [1, 511, 513, 4095, 4096, 4097, 1_048_576, 1_049_353])
  func `A raw file of any size reads and writes byte for byte`(size: Int) async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk"
      try write(pattern(size), to: path)
      let disk = try await RawDisk.open(path, access: .write)
      #expect(disk.size == Int64(size))
      #expect(try await disk.get(size, at: 0) == pattern(size))
      try await disk.put(pattern(size, seed: 9), at: 0)
      try await disk.flush()
      #expect(try await disk.get(size, at: 0) == pattern(size, seed: 9))
      try await disk.close()
      #expect(try contents(path) == pattern(size, seed: 9))
    }
  }

  @Test(arguments: [(1, 10), (4090, 20), (4096, 5000), (8191, 8193), (100_000, 31_072)])
  func `A request at any offset changes nothing beside it`(offset: Int, count: Int) async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk"
      var expected = pattern(131_072)
      try write(expected, to: path)
      let disk = try await RawDisk.open(path, access: .write)
      try await disk.put(pattern(count, seed: 7), at: Int64(offset))
      expected.replaceSubrange(offset..<offset + count, with: pattern(count, seed: 7))
      #expect(try await disk.get(count, at: Int64(offset)) == pattern(count, seed: 7))
      try await disk.zero(at: Int64(offset) + 3, count: Int64(count) - 3)
      expected.replaceSubrange(
        offset + 3..<offset + count,
        with: repeatElement(0, count: count - 3)
      )
      #expect(try await disk.get(expected.count, at: 0) == expected)
      try await disk.close()
      #expect(try contents(path) == expected)
    }
  }

  @Test func `Zeroed ranges become holes, and holes are told without reading`() async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk"
      let mebibyte: Int64 = 1 << 20
      try await Tool.succeed("truncate", "-s", "8M", path)
      let disk = try await RawDisk.open(path, access: .write)
      #expect(
        try await disk.extents(in: 0..<8 * mebibyte) == [
          Extent(range: 0..<8 * mebibyte, isZero: true)
        ]
      )
      try await disk.put(pattern(2 << 20), at: mebibyte)
      try await disk.flush()
      #expect(
        try await disk.extents(in: 0..<8 * mebibyte) == [
          Extent(range: 0..<mebibyte, isZero: true),
          Extent(range: mebibyte..<3 * mebibyte, isZero: false),
          Extent(range: 3 * mebibyte..<8 * mebibyte, isZero: true),
        ]
      )
      #expect(try await disk.extents(in: mebibyte + 5..<mebibyte + 9).map(\.isZero) == [false])
      let before = try await DiskImage.allocatedBytes(path)
      try await disk.zero(at: 2 * mebibyte, count: mebibyte)
      #expect(try await DiskImage.allocatedBytes(path) <= before - mebibyte)
      #expect(disk.size == 8 * mebibyte)
      try await disk.zero(at: 0, count: 8 * mebibyte)
      #expect(try await DiskImage.allocatedBytes(path) == 0)
      #expect(try await DiskImage.virtualSize(path, format: .raw) == 8 * mebibyte)
      try await disk.close()
    }
  }

  @Test func `Whole pages pass the page cache by`() async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk"
      try await Tool.succeed("truncate", "-s", "1M", path)
      let disk = try await RawDisk.open(path, access: .write)
      try await disk.put(pattern(65536), at: 0)
      // Not flushed, and yet nothing of it waits in the cache.
      let cached = try await Tool.succeed("fincore", "--bytes", "--noheadings", "-o", "RES", path)
      #expect(cached.trimmingCharacters(in: .whitespacesAndNewlines) == "0")
      try await disk.close()
    }
  }

  @Test func `What isn't on the disk, open or writable is refused`() async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk"
      try write(pattern(8192), to: path)
      let disk = try await RawDisk.open(path, access: .read)
      let beyond = DiskError.io(operation: "access beyond the end", path: path, errno: EINVAL)
      await #expect(throws: beyond) { try await disk.get(10, at: 8190) }
      await #expect(throws: beyond) { try await disk.get(10, at: -1) }
      await #expect(throws: beyond) { try await disk.extents(in: 0..<9000) }
      let refused = DiskError.io(operation: "write", path: path, errno: EBADF)
      await #expect(throws: refused) { try await disk.put([1], at: 0) }
      await #expect(throws: refused) { try await disk.zero(at: 0, count: 1) }
      try await disk.close()
      await #expect(throws: DiskError.closed) { try await disk.get(10, at: 0) }
      try await Tool.succeed("ln", "-s", path, "\(scratch)/link")
      await #expect(throws: DiskError.self) {
        try await RawDisk.open("\(scratch)/link", access: .read)
      }
      await #expect(throws: DiskError.notFound(path: "\(scratch)/none")) {
        try await RawDisk.open("\(scratch)/none", access: .read)
      }
      await #expect(throws: DiskError.self) { try await RawDisk.open("/dev/null", access: .read) }
    }
  }

  @Test func `A block device is read and never written`() async throws {
    try await withScratch { scratch in
      try write(pattern(1 << 20), to: "\(scratch)/disk")
      let loop = try await Tool.run("losetup", "-f", "--show", "\(scratch)/disk")
      guard loop.status == 0 else { try Test.cancel("no loop devices here") }
      let path = loop.output.trimmingCharacters(in: .whitespacesAndNewlines)
      let outcome: Result<Void, any Error>
      do {
        let disk = try await RawDisk.open(path, access: .read)
        #expect(disk.size == 1 << 20)
        #expect(try await disk.get(100_000, at: 8192) == Array(pattern(1 << 20)[8192..<108_192]))
        #expect(try await disk.extents(in: 0..<disk.size).map(\.isZero) == [false])
        #expect(try await DiskImage.virtualSize(path, format: .raw) == 1 << 20)
        try await disk.close()
        await #expect(throws: DiskError.self) { try await RawDisk.open(path, access: .write) }
        outcome = .success(())
      } catch {
        outcome = .failure(error)
      }
      try await Tool.succeed("losetup", "-d", path)
      try outcome.get()
    }
  }

  @Test func `A full file system is told as such`() async throws {
    try await withScratch { scratch in
      try await withMount(scratch, ["-t", "tmpfs", "-o", "size=4m", "tmpfs"]) { point in
        let path = "\(point)/disk"
        try await Tool.succeed("truncate", "-s", "16M", path)
        let disk = try await RawDisk.open(path, access: .write)
        await #expect(throws: DiskError.outOfSpace(path: path)) {
          for part in 0..<16 { try await disk.put(pattern(1 << 20), at: Int64(part) << 20) }
        }
        try await disk.close()
      }
    }
  }

  @Test func `After a failed flush the disk stays failed`() async throws {
    try await withScratch { scratch in
      // A file system on a disk that is larger than what is below it: writing back must fail.
      try await withMount(scratch, ["-t", "tmpfs", "-o", "size=4m", "tmpfs"]) { below in
        let image = "\(below)/image"
        try await Tool.succeed("truncate", "-s", "32M", image)
        try await Tool.succeed(
          "mkfs.ext4",
          "-q",
          "-O",
          "^has_journal",
          "-E",
          "nodiscard",
          image
        )
        try await withMount(scratch, ["-o", "loop", image]) { point in
          let path = "\(point)/disk"
          try await Tool.succeed("truncate", "-s", "12M", path)
          let disk = try await RawDisk.open(path, access: .write, isDirectWanted: false)
          for part in 0..<12 { try await disk.put(pattern(1 << 20), at: Int64(part) << 20) }
          let first = await #expect(throws: DiskError.self) { try await disk.flush() }
          #expect(first == .outOfSpace(path: path))
          // The kernel reports such an error once: a second fsync of its own would succeed.
          let again = await #expect(throws: DiskError.self) { try await disk.flush() }
          #expect(again == first)
          await #expect(throws: DiskError.self) { try await disk.put([1], at: 0) }
          try await disk.close()
        }
      }
    }
  }
}
