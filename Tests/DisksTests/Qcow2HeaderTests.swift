import Disks
import Foundation
import Testing

struct Qcow2HeaderTests {
  @Test(arguments: [
    ("compat=1.1", 3, 65536, 16, false, false), ("compat=0.10", 2, 65536, 16, false, false),
    ("cluster_size=4096,refcount_bits=8", 3, 4096, 8, false, false),
    ("cluster_size=2M,extended_l2=on,compression_type=zstd", 3, 2 << 20, 16, true, true),
  ])
  func `What qemu-img makes is understood`(
    options: String,
    version: UInt32,
    cluster: Int,
    refcount: Int,
    isExtended: Bool,
    isZstd: Bool
  ) async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk"
      try await Tool.succeed("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, path, "77M")
      let header = try await Qcow2Header.read(path)
      #expect(header.version == version)
      #expect(header.virtualSize == 77 << 20)
      #expect(header.clusterSize == cluster)
      #expect(header.refcountBits == refcount)
      #expect(header.hasExtendedL2 == isExtended)
      #expect(header.isZstd == isZstd)
      #expect(header.snapshotCount == 0)
      #expect(!header.isDirty && !header.isCorrupt)
      #expect(try await DiskImage.virtualSize(path, format: .qcow2) == 77 << 20)
      try await Tool.succeed("qemu-img", "snapshot", "-c", "one", path)
      #expect(try await Qcow2Header.read(path).snapshotCount == 1)
    }
  }

  @Test(arguments: [
    (["-b", "base", "-F", "qcow2"], HostileImage.backingFile),
    (["-o", "data_file=outside"], .dataFile),
    (["-o", "data_file=outside,data_file_raw=on"], .dataFile),
    (
      ["--object", "secret,id=s,data=x", "-o", "encrypt.format=aes,encrypt.key-secret=s"],
      .encrypted
    ),
  ])
  func `Images that lead elsewhere are refused, made as QEMU makes them`(
    arguments: [String],
    reason: HostileImage
  ) async throws {
    try await withScratch { scratch in
      try await Tool.succeed("qemu-img", "create", "-q", "-f", "qcow2", "\(scratch)/base", "8M")
      let path = "\(scratch)/disk"
      let arguments = arguments.map {
        $0.replacing("outside", with: "\(scratch)/outside").replacing(
          "base",
          with: "\(scratch)/base"
        )
      }
      let made = try await Tool.run(
        "qemu-img",
        ["create", "-q", "-f", "qcow2"] + arguments + [path, "8M"]
      )
      try #require(made.status == 0, "\(made.output)")
      for access in [DiskAccess.read, .write] {
        await #expect(throws: DiskError.hostile(reason)) {
          try await DiskImage.open(path, format: .qcow2, access: access, directory: scratch)
        }
      }
      await #expect(throws: DiskError.hostile(reason)) {
        try await DiskImage.virtualSize(path, format: .qcow2)
      }
    }
  }

  @Test(arguments: [
    (0, [0x52], HostileImage.malformed),
    (4, [0, 0, 0, 4], .version(4)),
    (8, [0, 0, 0, 0, 0, 0, 1, 0], .backingFile),
    (16, [0, 0, 0, 5], .backingFile),
    (20, [0, 0, 0, 8], .malformed),
    (20, [0, 0, 0, 63], .malformed),
    (24, [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0], .size(0x7fff_ffff_ffff_fe00)),
    (24, [0, 0, 0, 0, 0, 0, 0, 1], .malformed),
    (32, [0, 0, 0, 1], .encrypted),
    (32, [0, 0, 0, 2], .encrypted),
    (36, [0xff, 0xff, 0xff, 0xff], .malformed),
    (40, [0, 0, 0, 0, 0, 0, 0, 1], .malformed),
    (72, [0, 0, 0, 0, 0, 0, 0, 4], .dataFile),
    (72, [0x80, 0, 0, 0, 0, 0, 0, 32], .features(0x8000_0000_0000_0020)),
    (72, [0, 0, 0, 0, 0, 0, 0, 8], .malformed),
    (96, [0, 0, 0, 7], .malformed),
    (100, [0, 0, 0, 8], .malformed),
    (104, [2], .malformed),
  ])
  func `A header with one wrong field is refused`(
    offset: Int,
    bytes: [UInt8],
    reason: HostileImage
  ) async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk"
      try await Tool.succeed("qemu-img", "create", "-q", "-f", "qcow2", path, "8M")
      var image = try contents(path)
      image.replaceSubrange(offset..<offset + bytes.count, with: bytes)
      try write(image, to: path)
      await #expect(throws: DiskError.hostile(reason)) { try await Qcow2Header.read(path) }
    }
  }

  @Test(arguments: [0, 3, 71, 103])
  func `A file that ends inside its header is refused`(length: Int) async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk"
      try await Tool.succeed("qemu-img", "create", "-q", "-f", "qcow2", path, "8M")
      try write(Array(try contents(path).prefix(length)), to: path)
      await #expect(throws: DiskError.hostile(.malformed)) { try await Qcow2Header.read(path) }
    }
  }

  @Test func `Marks of a bad end are told, and a corrupt image isn't written`() async throws {
    try await withScratch { scratch in
      let path = "\(scratch)/disk"
      try await Tool.succeed("qemu-img", "create", "-q", "-f", "qcow2", path, "8M")
      var image = try contents(path)
      image[79] = 3
      try write(image, to: path)
      let header = try await Qcow2Header.read(path)
      #expect(header.isDirty && header.isCorrupt)
      await #expect(throws: DiskError.unsupported(reason: "the image is marked corrupt")) {
        try await DiskImage.open(path, format: .qcow2, access: .write, directory: scratch)
      }
    }
  }

  @Test func `Any first bytes are read or refused, and never trap`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let count = Int.random(in: 0...112, using: &random)
      var bytes = (0..<count).map { _ in UInt8.random(in: 0...3, using: &random) }
      if count >= 8 { bytes.replaceSubrange(0..<8, with: [0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3]) }
      if let header = try? Qcow2Header(bytes) { #expect(header.virtualSize >= 0) }
    }
  }
}
