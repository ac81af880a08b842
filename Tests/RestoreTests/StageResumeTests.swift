import Catalog
import Disks
import Foundation
import Hypervisor
import Model
import TestSupport
import Testing

@testable import Restore

/// Staging goes on where a worker that died has left it.
@Suite(.scratchDirectory, .timeLimit(.minutes(3)))
struct StageResumeTests {
  private typealias World = SimulatedWorld

  private static let held = World.disk(String(repeating: "abcdefgh", count: 8))
  private static let wanted = World.disk(String(repeating: "ABCDEFGHIJKLMNOP", count: 4))

  /// What the stage of a job takes on the host.
  private static func stagedBytes(_ world: SimulatedWorld, _ job: JobID) async -> Int64 {
    let path = Stage.path(for: world.disk, job: job.text)
    return (try? await DiskImage.allocatedBytes(path)) ?? 0
  }

  /// Accepts a restore and lets a worker die when a quarter of it is staged.
  private static func dieEarly(_ world: SimulatedWorld, _ backup: Backup) async throws -> JobID {
    let id = try await world.accept(
      .restore(RestoreTask(sourceVPSID: backup.vpsID, backupID: backup.id)),
      holding: backup.id,
      bytesPerSecond: 1 << 20
    )
    try await world.working {
      while await stagedBytes(world, id) < wanted.count / 4 {
        try await Task.sleep(for: .milliseconds(5))
      }
    }
    return id
  }

  @Test func `what is staged is not copied again, whatever of it is torn`() async throws {
    let world = try await World.make(holding: Self.held)
    let backup = try await world.backup(of: Self.wanted)
    let id = try await Self.dieEarly(world, backup)
    let staged = await Self.stagedBytes(world, id)
    // The last writes before a loss of power may be there by halves.
    let stage = try FileHandle(
      forUpdating: URL(filePath: Stage.path(for: world.disk, job: id.text))
    )
    try stage.seek(toOffset: 5000)
    try stage.write(contentsOf: Data([0, 1, 2]))
    try stage.close()
    try await world.working {
      let job = try await world.finished(id)
      let result = try job.restored()
      #expect(try world.contents == Self.wanted)
      // The file's own bookkeeping counts as taken, too, but not as much as a chunk.
      let torn = Int64(2 * World.chunkSize)
      #expect(result.bytesWritten <= Int64(Self.wanted.count) - staged + torn)
      #expect(result.bytesReused >= staged - torn)
    }
  }

  @Test func `nor is what is staged of a qcow2 disk`() async throws {
    let world = try await World.make(holding: Self.held, format: .qcow2)
    let backup = try await world.backup(of: Self.wanted)
    let id = try await Self.dieEarly(world, backup)
    try await world.working {
      let job = try await world.finished(id)
      let result = try job.restored()
      // A quarter was staged when its worker died; what was in flight may be lost.
      #expect(result.bytesWritten < Int64(Self.wanted.count))
      #expect(result.bytesReused > 0)
      #expect(result.bytesReused + result.bytesWritten == Int64(Self.wanted.count))
    }
    let raw = "\(world.folder)/after.raw"
    try await TestProcess.run("qemu-img", ["convert", "-O", "raw", world.disk, raw])
    #expect([UInt8](try Data(contentsOf: URL(filePath: raw))) == Self.wanted)
    try await TestProcess.run("qemu-img", ["check", "-q", world.disk])
  }

  @Test func `a qcow2 stage whose server is killed is gone on with`() async throws {
    let world = try await World.make(holding: Self.held, format: .qcow2)
    let backup = try await world.backup(of: Self.wanted)
    try await world.working {
      let id = try await world.accept(
        .restore(RestoreTask(sourceVPSID: backup.vpsID, backupID: backup.id)),
        holding: backup.id,
        bytesPerSecond: 1 << 20
      )
      while await Self.stagedBytes(world, id) < Self.wanted.count / 4 {
        try await Task.sleep(for: .milliseconds(5))
      }
      try await TestProcess.run("pkill", ["-KILL", "-f", "qemu-nbd.*\(world.folder)/"])
      let job = try await world.finished(id)
      let result = try job.restored()
      #expect(job.attempts == 2)
      #expect(result.bytesReused > 0)
      #expect(result.bytesReused + result.bytesWritten == Int64(Self.wanted.count))
    }
  }

  @Test func `a qcow2 stage that somebody has open is waited for, not thrown away`() async throws {
    let world = try await World.make(holding: Self.held, format: .qcow2)
    let backup = try await world.backup(of: Self.wanted)
    let id = try await Self.dieEarly(world, backup)
    let stage = try #require(
      try await Stage.existing(for: world.disk, job: id.text, disk: "vda")
    )
    let open = try await stage.open(format: .qcow2, directory: world.folder)
    // The first waits are short: a busy machine sees one of the later ones.
    try await world.working(attempts: 8) {
      while try await world.catalog.read({ try $0.job(id) })?.state != .waiting {
        try await Task.sleep(for: .milliseconds(5))
      }
      try await open.close()
      let result = try await world.finished(id).restored()
      #expect(result.bytesReused > 0)
    }
  }

  @Test func `the session that it died in is ended before anything is staged`() async throws {
    let world = try await World.make(holding: Self.held, format: .qcow2)
    let backup = try await world.backup(of: Self.wanted)
    let id = try await Self.dieEarly(world, backup)
    let folder = "\(world.folder)/run/\(id)"
    let disk = BackupRequest.Disk(
      targetDevice: "vda",
      exportName: "vda",
      scratchPath: "\(folder)/vda.scratch",
      changesSince: "rehome-1"
    )
    try FileManager.default.createDirectory(
      atPath: folder,
      withIntermediateDirectories: false
    )
    let session = BackupRequest(socketPath: "\(folder)/nbd.sock", disks: [disk])
    try await world.host.change(world.target.domainName) { machine in
      machine.backup = session
      machine.description.activeJob = .backup
    }
    try await world.working {
      _ = try await world.finished(id).restored()
      let calls = await world.host.calls.map(\.operation)
      let end = try #require(calls.firstIndex(of: .abortBackup))
      #expect(end < calls.firstIndex(of: .requestShutdown) ?? 0)
      #expect(!FileManager.default.fileExists(atPath: folder))
    }
  }

  @Test func `a seed that it died over goes with a job that is cancelled`() async throws {
    let world = try await World.make(holding: Self.held)
    let backup = try await world.backup(of: Self.wanted)
    let id = try await Self.dieEarly(world, backup)
    let seeds = "\(world.folder)/seeds/\(world.target.id)"
    let left = "\(seeds)/.\(id).iso.partial"
    try FileManager.default.createDirectory(atPath: left, withIntermediateDirectories: true)
    try Data("who it is".utf8).write(to: URL(filePath: "\(left)/user-data"))
    try await world.catalog.write { try $0.requestCancel(id) }
    try await world.working {
      let job = try await world.finished(id)
      #expect(job.state == .cancelled)
      let names = try FileManager.default.contentsOfDirectory(atPath: seeds)
      #expect(names.isEmpty)
    }
  }

  @Test func `a stage that was cut short in the making is made anew`() async throws {
    let world = try await World.make(holding: Self.held)
    let backup = try await world.backup(of: Self.wanted)
    let id = try await Self.dieEarly(world, backup)
    let stage = try FileHandle(
      forUpdating: URL(filePath: Stage.path(for: world.disk, job: id.text))
    )
    try stage.truncate(atOffset: 4096)
    try stage.close()
    try await world.working {
      let job = try await world.finished(id)
      let result = try job.restored()
      #expect(try world.contents == Self.wanted)
      #expect(result.bytesCompared == 0)
    }
  }
}
