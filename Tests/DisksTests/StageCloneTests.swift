import Disks
import Foundation
import Model
import Testing

/// The stage of a qcow2 that begins as a clone of its file.
struct StageCloneTests {
  private static let size: Int64 = 16 << 20
  private static let chunk = 1 << 20

  /// An image that a server is in the middle of writing to, and the clone of its file.
  private static func withClone(
    options: String = "cluster_size=64k",
    _ body: (_ current: String, _ stage: Stage) async throws -> Void
  ) async throws {
    try await withScratch { folder in
      try await withReflink(folder) { point in
        let current = "\(point)/disk.qcow2"
        try await makeQcow2(current, size: "\(size)", options: options)
        if !options.contains("0.10") {
          try await Tool.succeed("qemu-img", "bitmap", "--add", current, "rehome-1")
        }
        let guest = try await QemuNBD.open(current, access: .write, directory: folder)
        try await guest.put(pattern(chunk), at: 0)
        try await guest.flush()
        // The tables of these are in the server's memory only.
        for place in 1...4 { try await guest.put(pattern(chunk), at: Int64(place * chunk)) }
        let stage = try await Stage.create(
          beside: current,
          format: .qcow2,
          virtualSize: size,
          job: "job_1",
          disk: "vda",
          isCloneWanted: true
        )
        #expect(stage.isClone)
        try await body(current, stage)
        try await guest.close()
        try await Tool.succeed("qemu-img", "check", "-q", "-f", "qcow2", current)
      }
    }
  }

  private static func bitmapCount(_ path: String) async throws -> Int {
    let text = try await Tool.succeed("qemu-img", "info", "-U", "--output=json", path)
    return text.components(separatedBy: "\"granularity\"").count - 1
  }

  @Test(arguments: ["cluster_size=64k", "compat=0.10", "extended_l2=on,cluster_size=128k"])
  func `it is a sound image without bitmaps that holds what was flushed`(
    options: String
  ) async throws {
    try await Self.withClone(options: options) { current, stage in
      #expect(try await stage.repair(like: current, virtualSize: Self.size) == true)
      try await Tool.succeed("qemu-img", "check", "-q", "-f", "qcow2", stage.path)
      #expect(try await Self.bitmapCount(stage.path) == 0)
      #expect(try await Stamp.read(stage.path)?.role == .new)
      let raw = stage.path + ".raw"
      try await Tool.succeed("qemu-img", "convert", "-O", "raw", stage.path, raw)
      let bytes = [UInt8](try Data(contentsOf: URL(filePath: raw)))
      #expect(Array(bytes.prefix(Self.chunk)) == pattern(Self.chunk))
      if !options.contains("0.10") { #expect(try await Self.bitmapCount(current) == 1) }
    }
  }

  @Test func `what is written to it isn't in the disk that it was made of`() async throws {
    try await Self.withClone { current, stage in
      #expect(try await stage.repair(like: current, virtualSize: Self.size) == true)
      let device = try await stage.open(format: .qcow2, directory: "/tmp")
      try await device.put(pattern(Self.chunk, seed: 9), at: 0)
      try await device.close()
      let raw = stage.path + ".raw"
      try await Tool.succeed("qemu-img", "convert", "-U", "-O", "raw", current, raw)
      let bytes = [UInt8](try Data(contentsOf: URL(filePath: raw)))
      #expect(Array(bytes.prefix(Self.chunk)) == pattern(Self.chunk))
    }
  }

  @Test func `one of another size, or with snapshots inside, is no stage`() async throws {
    try await Self.withClone { current, stage in
      #expect(try await stage.repair(like: current, virtualSize: Self.size * 2) == false)
      try await Tool.succeed("qemu-img", "bitmap", "--remove", stage.path, "rehome-1")
      try await Tool.succeed("qemu-img", "snapshot", "-c", "before", stage.path)
      #expect(try await stage.repair(like: current, virtualSize: Self.size) == false)
    }
  }
}
