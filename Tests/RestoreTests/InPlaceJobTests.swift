import Catalog
import Checksum
import Disks
import Foundation
import Hypervisor
import Model
import TestSupport
import Testing

@testable import Restore

/// In-place restores as whole jobs: what is kept of a target's way back, and for how long.
@Suite(.scratchDirectory, .timeLimit(.minutes(3)))
struct InPlaceJobTests {
  private typealias World = SimulatedWorld

  private static let many = (
    held: World.disk("abcdefghijklmnopqrstuvwxyzabcdef"),
    wanted: World.disk("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF")
  )

  /// A restore that ends with its disk half written over, because somebody starts the target.
  private static func breakHalfway(_ world: SimulatedWorld, _ backup: Backup) async throws -> Job {
    try await withThrowingTaskGroup(of: Job?.self) { group in
      group.addTask { try await world.restore(backup, bytesPerSecond: 1 << 20) }
      group.addTask {
        while try world.contents == many.held {
          try await Task.sleep(for: .milliseconds(5))
        }
        try await world.host.start(world.reference)
        return nil
      }
      var job: Job?
      while let ended = try await group.next() { job = ended ?? job }
      return try #require(job)
    }
  }

  @Test func `a restore and its undo, whatever the guest wrote between`() async throws {
    let (held, wanted) = (World.disk("abcdefgh"), World.disk("abXdeYgZ"))
    try await World.with(holding: held) { world in
      let backup = try await world.backup(of: wanted)
      let job = try await world.restore(backup)
      #expect(job.state == .completed, "\(job)")
      #expect(try world.contents == wanted)
      #expect(try await world.holders(of: backup) == [job.id])
      let record = try #require(try await world.undoRecord())
      #expect(record.restoreJobID == job.id)
      #expect(record.until < .never)
      try Data(World.disk("12345678")).write(to: URL(filePath: world.disk))
      let undo = try await world.undo(job)
      #expect(undo.state == .completed, "\(undo)")
      #expect(try world.contents == held)
      #expect(try await world.undoRecord() == nil)
      #expect(try await world.holders(of: backup).isEmpty)
      #expect(world.logs().isEmpty)
    }
  }

  @Test func `a target that is started meanwhile is left alone, and can be put back`()
    async throws
  {
    let (held, wanted) = Self.many
    try await World.with(holding: held) { world in
      let backup = try await world.backup(of: wanted)
      let job = try await Self.breakHalfway(world, backup)
      let half = try world.contents
      #expect(half != wanted)
      #expect(half != held)
      #expect(job.state == .failed, "\(job)")
      #expect(job.failure?.left == .needsOperator)
      #expect(job.failure?.detail.contains("started while") == true)
      // Neither the one nor the other: what it takes to put it back must stay, however long.
      #expect(try await world.holders(of: backup) == [job.id])
      #expect(try await world.undoRecord()?.until == .never)
      await world.removeExpired(at: Timestamp(milliseconds: Timestamp.never.milliseconds - 1))
      #expect(world.logs().count == 1)
      let undo = try await world.undo(job)
      #expect(undo.state == .completed, "\(undo)")
      #expect(try world.contents == held)
      #expect(try await world.holders(of: backup).isEmpty)
      #expect(world.logs().isEmpty)
    }
  }

  @Test func `an undo that stops halfway keeps its logs until it has been done`() async throws {
    let (held, wanted) = (World.disk("abcdefgh"), World.disk("ABCDEFGH"))
    try await World.with(holding: held) { world in
      let backup = try await world.backup(of: wanted)
      let job = try await world.restore(backup)
      #expect(job.state == .completed, "\(job)")
      world.hooks.at(.afterExchange) { try? await world.host.start(world.reference) }
      let broken = try await world.undo(job)
      #expect(broken.state == .failed, "\(broken)")
      #expect(broken.failure?.left == .needsOperator)
      #expect(try await world.undoRecord()?.until == .never)
      await world.removeExpired(at: Timestamp(milliseconds: Timestamp.never.milliseconds - 1))
      #expect(world.logs().count == 1)
      #expect(try await world.holders(of: backup) == [job.id])
      let undo = try await world.undo(job)
      #expect(undo.state == .completed, "\(undo)")
      #expect(try world.contents == held)
      #expect(world.logs().isEmpty)
    }
  }

  @Test func `a restore that fails after its disk is written keeps what its undo needs`()
    async throws
  {
    let (held, wanted) = (World.disk("abcdefgh"), World.disk("abcdEFGH"))
    try await World.with(holding: held, attempts: 1) { world in
      let backup = try await world.backup(of: wanted)
      // The domain goes away for good once the new disk has been started.
      world.hooks.at(.duringConfirm) {
        await world.host.setFault(.failAlways(.unavailable("gone")), of: .domain)
      }
      let job = try await world.restore(backup)
      #expect(job.state == .failed, "\(job)")
      #expect(try await world.holders(of: backup) == [job.id])
      #expect(try await world.undoRecord()?.restoreJobID == job.id)
      await world.host.clearFault(of: .domain)
      try Data(World.disk("12345678")).write(to: URL(filePath: world.disk))
      let undo = try await world.undo(job)
      #expect(undo.state == .completed, "\(undo)")
      #expect(try world.contents == held)
    }
  }

  @Test(arguments: [false, true])
  func `a former undo is lost only to a restore that came to its end`(
    isPutBack: Bool
  ) async throws {
    let (held, first, second) = (World.disk("abcd"), World.disk("efgh"), World.disk("ijkl"))
    try await World.with(holding: held) { world in
      let (one, two) = (try await world.backup(of: first), try await world.backup(of: second))
      let former = try await world.restore(one)
      #expect(former.state == .completed, "\(former)")
      if isPutBack {
        await world.host.setFault(
          .failOnce(.refused(operation: "start", message: "can't open '/srv/other.qcow2'")),
          of: .start
        )
      }
      let job = try await world.restore(two)
      #expect(job.state == (isPutBack ? .failed : .completed), "\(job)")
      // Clients read it: what libvirt says of the host is for the log.
      #expect(job.failure?.detail.contains("/") != true)
      #expect(try world.contents == (isPutBack ? first : second))
      let latest = isPutBack ? former : job
      #expect(try await world.undoRecord()?.restoreJobID == latest.id)
      #expect(world.logs() == ["\(latest.id)-1-vda.undo"])
      #expect(try await world.holders(of: one) == (isPutBack ? [former.id] : []))
      #expect(try await world.holders(of: two) == (isPutBack ? [] : [job.id]))
      let undo = try await world.undo(latest)
      #expect(undo.state == .completed, "\(undo)")
      #expect(try world.contents == (isPutBack ? held : first))
    }
  }

  @Test func `a half written disk is put back without the store`() async throws {
    let (held, wanted) = (World.disk("abcdefgh"), World.disk("ABCDEFGH"))
    try await World.with(holding: held) { world in
      let backup = try await world.backup(of: wanted)
      await world.host.setFault(.failOnce(.refused(operation: "start", message: "no")), of: .start)
      world.hooks.at(.beforeStart) {
        try? FileManager.default.removeItem(atPath: "\(world.folder)/store")
      }
      let job = try await world.restore(backup)
      #expect(job.failure?.left == .rolledBack, "\(job)")
      #expect(try world.contents == held)
      let stored = try await world.catalog.read { try $0.backup(backup.id) }
      #expect(stored?.state == .complete, "nobody has looked at the backup")
    }
  }

  @Test func `what the backup has lost keeps nothing else from being put back`() async throws {
    // More pieces than are under way at a time; only the last is written over, and so saved.
    let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    let (held, wanted) = (World.disk(letters), World.disk(letters.dropLast() + "!"))
    try await World.with(holding: held) { world in
      let backup = try await world.backup(of: wanted)
      let job = try await world.restore(backup)
      #expect(job.state == .completed, "\(job)")
      let lost = World.disk("a").withRawBytes { "\(Digest(sha256: $0))" }
      try FileManager.default.removeItem(
        atPath: "\(world.folder)/store/.chunks/\(lost.prefix(4))/\(lost)"
      )
      let guests = World.disk(String(repeating: "7", count: letters.count))
      try Data(guests).write(to: URL(filePath: world.disk))
      let undo = try await world.undo(job)
      #expect(undo.state == .failed, "\(undo)")
      let isPutBack = try world.contents == World.disk("7" + letters.dropFirst())
      #expect(isPutBack)
      #expect(world.logs().count == 1)
    }
  }

  @Test func `a start that fails isn't one`() async throws {
    let (held, wanted) = (World.disk("abcdefgh"), World.disk("ABCDEFGH"))
    try await World.with(holding: held) { world in
      let backup = try await world.backup(of: wanted)
      let name = world.target.domainName
      world.hooks.at(.duringRewrite) {
        try? await world.host.change(name) { $0.description.state = .starting }
        try? await Task.sleep(for: Limits.startWatchInterval * 2)
        try? await world.host.change(name) { $0.description.state = .stopped }
      }
      let job = try await world.restore(backup)
      #expect(job.state == .completed, "\(job)")
      #expect(try world.contents == wanted)
    }
  }

  @Test(.enabled { await SmallFileSystem.isAvailable })
  func `no guest is stopped for data that finds no room in holes`() async throws {
    let folder = "\(ScratchDirectory.path)/small"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    // 25 MiB, all but the first chunk of them holes.
    let held = World.disk("a" + String(repeating: "\0", count: 400))
    let wanted = World.disk("a" + String(repeating: "b", count: 400))
    try await SmallFileSystem.with(at: folder, megabytes: 24) {
      try await World.with(holding: held, in: folder) { world in
        let job = try await world.restore(try await world.backup(of: wanted))
        #expect(job.failure?.code == .hostStorageFull)
        #expect(job.failure?.left == .untouched)
        #expect(job.failure?.detail.contains("hold nothing: \(400 * World.chunkSize)") == true)
        #expect(try world.contents == held)
        let asked = await world.host.calls.map(\.operation)
        #expect(!asked.contains(.requestShutdown) && !asked.contains(.destroy))
      }
    }
  }

  @Test(arguments: [true, false])
  func `no guest is stopped for a log that finds no room`(isMuch: Bool) async throws {
    // Chunks by the hundred, so that what differs matters beside what must stay free.
    let letters = String(repeating: "abcdefgh", count: 40)
    let held = World.disk(letters)
    let wanted = World.disk(isMuch ? letters.uppercased() : "X" + letters.dropFirst())
    let folder = "\(ScratchDirectory.path)/undo"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    // Room for a part of the disk only.
    let size = Limits.undoLogFreeFloor + Int64(held.count / 4)
    do {
      try await TestProcess.run("mount", ["-t", "tmpfs", "-o", "size=\(size)", "undo", folder])
    } catch {
      try Test.cancel("nothing can be mounted here: \(error)")
    }
    let outcome: Result<Void, any Error>
    do {
      try await World.with(holding: held) { world in
        let backup = try await world.backup(of: wanted)
        let job = try await world.restore(backup)
        #expect(job.state == (isMuch ? .failed : .completed), "\(job)")
        #expect(try world.contents == (isMuch ? held : wanted))
        guard isMuch else { return }
        #expect(job.failure?.code == .hostStorageFull)
        #expect(job.failure?.left == .untouched)
        let asked = await world.host.calls.map(\.operation)
        #expect(!asked.contains(.requestShutdown))
        #expect(!asked.contains(.destroy))
      }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    try await TestProcess.run("umount", ["-l", folder])
    try outcome.get()
  }
}
