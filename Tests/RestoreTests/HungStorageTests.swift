import Backup
import Catalog
import Disks
import Dispatch
import Foundation
import Model
import TestSupport
import Testing

/// A backup of a running guest whose storage doesn't answer.
@Suite(.scratchDirectory, .timeLimit(.minutes(2)))
struct HungStorageTests {
  private typealias World = SimulatedWorld

  /// A disk whose reads wait until its connection is cut.
  private final class SilentDisk: DiskDouble {
    let disk: any BlockDevice
    let isAsked = Flag()
    private let threads = BlockingExecutor(label: "silent", width: Limits.chunksInFlight)
    private let answer = DispatchSemaphore(value: 0)

    init(_ disk: any BlockDevice) { self.disk = disk }

    func read(at offset: Int64, into buffer: AlignedBuffer, count: Int) async throws(DiskError) {
      isAsked.raise()
      await threads.run { [answer] in
        answer.wait()
        // For the one beside.
        answer.signal()
      }
      throw .closed
    }

    func hangUp() { answer.signal() }
  }

  /// Begins a backup whose reads hang.
  private static func withHungBackup(
    _ body: @escaping @Sendable (SimulatedWorld, JobID) async throws -> Void
  ) async throws {
    var world = try await World.make(holding: World.disk("abcd"))
    let disk = SilentDisk(try await RawDisk.open(world.disk, access: .read))
    world.opening.session = { _, _, _ throws(DiskError) in
      OpenedSource(
        device: disk,
        changes: { range throws(DiskError) in [range] },
        hangUp: { disk.hangUp() }
      )
    }
    let made = world
    try await made.working {
      let row = try await made.fixture.backup(of: made.target, state: .creating)
      let id = try await made.accept(.backup(BackupTask(backupID: row.id)), holding: nil)
      while !disk.isAsked.isRaised { try await Task.sleep(for: .milliseconds(5)) }
      try await body(made, id)
    }
  }

  @Test func `it can be cancelled, and leaves nothing behind`() async throws {
    try await Self.withHungBackup { world, id in
      try await world.catalog.write { try $0.requestCancel(id) }
      let job = try await world.finished(id)
      #expect(job.state == .cancelled, "\(job)")
      #expect(try await world.host.backupScratchPaths(of: world.reference) == nil)
      let left = try FileManager.default.contentsOfDirectory(atPath: "\(world.folder)/run")
      #expect(left.isEmpty)
    }
  }

  @Test func `a worker that ends doesn't wait for it`() async throws {
    let began = ContinuousClock.now
    try await Self.withHungBackup { _, _ in }
    #expect(ContinuousClock.now - began < .seconds(60))
  }
}
