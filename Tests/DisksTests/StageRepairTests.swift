import Disks
import Foundation
import Model
import Testing

/// What a server that died has left of a qcow2 stage.
struct StageRepairTests {
  private static let size: Int64 = 16 << 20
  private static let chunk = 1 << 20

  /// A disk, and a stage for it of which some is written, whose server has died.
  private static func withLeftStage(
    _ body: (_ current: String, _ stage: Stage) async throws -> Void
  ) async throws {
    try await withScratch { folder in
      let current = "\(folder)/disk.qcow2"
      try await makeQcow2(current, size: "\(size)")
      let stage = try await Stage.create(
        beside: current,
        format: .qcow2,
        virtualSize: size,
        job: "job_1",
        disk: "vda"
      )
      let device = try await stage.open(format: .qcow2, directory: folder)
      try await device.put(pattern(chunk), at: 0)
      try await device.flush()
      // The tables of these are in the server's memory only.
      for place in 1...4 { try await device.put(pattern(chunk), at: Int64(place * chunk)) }
      try await Tool.succeed("pkill", "-KILL", "-f", "qemu-nbd.*\(stage.path)")
      try? await device.close()
      try leak(stage.path)
      try await body(current, stage)
    }
  }

  /// Counts references to clusters that nothing refers to, as a server that ends between its writes of the
  /// two tables does: many, for chunks are written many at a time.
  private static func leak(_ path: String) throws {
    let file = try FileHandle(forUpdating: URL(filePath: path))
    func number(at offset: UInt64) throws -> UInt64 {
      try file.seek(toOffset: offset)
      return try #require(try file.read(upToCount: 8)).reduce(0) { $0 << 8 | UInt64($1) }
    }
    let block = try number(at: try number(at: 48))
    // So that all of them are within the file.
    try file.truncate(atOffset: 2000 << 16)
    let unused: UInt64 = 100
    try file.seek(toOffset: block + unused * 2)
    try file.write(contentsOf: Data((0..<1500).flatMap { _ in [0, 1] as [UInt8] }))
    try file.close()
  }

  private static func isSound(_ path: String) async throws -> Bool {
    try await Tool.run("qemu-img", "check", "-q", "-f", "qcow2", path).status == 0
  }

  @Test func `it is sound again, and holds what was flushed`() async throws {
    try await Self.withLeftStage { current, stage in
      #expect(try await !Self.isSound(stage.path), "nothing to repair")
      #expect(try await stage.repair(like: current, virtualSize: Self.size) == true)
      #expect(try await Self.isSound(stage.path))
      let raw = stage.path + ".raw"
      try await Tool.succeed("qemu-img", "convert", "-O", "raw", stage.path, raw)
      let bytes = [UInt8](try Data(contentsOf: URL(filePath: raw)))
      #expect(Array(bytes.prefix(Self.chunk)) == pattern(Self.chunk))
    }
  }

  @Test func `what isn't the image that is wanted is made anew`() async throws {
    try await Self.withLeftStage { current, stage in
      #expect(try await stage.repair(like: current, virtualSize: Self.size * 2) == false)
      let other = current + ".other"
      try await makeQcow2(other, size: "16M", options: "cluster_size=128k")
      #expect(try await stage.repair(like: other, virtualSize: Self.size) == false)
      let file = try FileHandle(forUpdating: URL(filePath: stage.path))
      try file.truncate(atOffset: 20)
      try file.close()
      #expect(try await stage.repair(like: current, virtualSize: Self.size) == false)
    }
  }

  @Test func `one whose tables are torn is made anew`() async throws {
    try await Self.withLeftStage { current, stage in
      // The second cluster is the table of reference counts.
      let file = try FileHandle(forUpdating: URL(filePath: stage.path))
      try file.seek(toOffset: 65_536)
      try file.write(contentsOf: Data(repeating: 0xff, count: 65_536))
      try file.close()
      #expect(try await stage.repair(like: current, virtualSize: Self.size) == false)
    }
  }

  @Test func `one that somebody has open isn't touched`() async throws {
    try await Self.withLeftStage { current, stage in
      let device = try await stage.open(format: .qcow2, directory: "/tmp")
      #expect(try await stage.repair(like: current, virtualSize: Self.size) == nil)
      try await device.close()
    }
  }

  @Test func `a former disk at its place isn't touched`() async throws {
    try await Self.withLeftStage { current, stage in
      try await Stamp(role: .old, job: "job_1", disk: "vda").write(stage.path)
      await #expect(throws: DiskError.stampMismatch(path: stage.path)) {
        try await stage.repair(like: current, virtualSize: Self.size)
      }
      #expect(try await !Self.isSound(stage.path))
    }
  }
}
