import Foundation
import TestSupport
import Testing

/// A server that is killed at any moment and started again: each job comes to a good end.
///
/// Serialized, because all tests kill the one server and look at the one target.
@Suite(.serialized, .tags(.slow), .crashWorld) struct CrashTests {
  /// The moments of a restore at which a debug build can be told to die.
  static let restoreMoments = [
    "during-stage", "during-verify", "after-stop", "before-exchange", "between-exchanges",
    "after-exchange", "before-start", "after-start", "during-confirm",
  ]
  /// Those of a backup.
  static let backupMoments = [
    "backup-session", "backup-read", "backup-before-manifest", "backup-after-manifest",
  ]

  @Test(arguments: restoreMoments)
  func `a restore whose server dies is completed by the next one`(_ moment: String) async throws {
    let world = CrashWorld.current
    try await world.target.mark("before \(moment)")
    try await world.server.start(killedAt: moment)
    let job = try await world.restore()
    #expect(try await world.server.waitForEnd() == Server.killed)
    try await world.server.start()
    try await Self.expectCompleted(job, in: world)
    #expect(try await world.server.stop() == 0)
  }

  @Test(arguments: backupMoments)
  func `a backup whose server dies leaves nothing half done`(_ moment: String) async throws {
    let world = CrashWorld.current
    let guest = world.source.guest
    try await world.server.start(killedAt: moment)
    let accepted = try await world.server.program.run(
      "backup",
      "create",
      world.source.vps,
      "--json"
    ).decode(JobPrint.self)
    #expect(try await world.server.waitForEnd() == Server.killed)
    try await world.server.start()
    let job = try await poll("\(accepted.id) ends") {
      let job = try await world.installation.job(accepted.id)
      return job.isFinal ? job : nil
    }
    #expect(job.state == "completed", "\(job)")
    #expect(job.attempts == 2)
    // A guest that is still frozen hangs in the sync.
    try await guest.write("thawed after \(moment)", to: "/data/thawed")
    #expect(try await guest.read("/data/thawed") == "thawed after \(moment)")
    await #expect(throws: TestProcess.Failure.self) {
      try await guest.libvirt.virsh("backup-dumpxml", guest.name)
    }
    #expect(try await guest.libvirt.virsh("domjobinfo", guest.name).contains("None"))
    // The one that the completed backup has set; those before it go with the next sweep.
    try await poll("all checkpoints but one are gone") {
      try await guest.checkpoints().count == 1 ? true : nil
    }
    try await world.expectNothingLeft()
    #expect(try await world.server.stop() == 0)
  }

  @Test func `a restore outlives a server that is killed at any moments`() async throws {
    let world = CrashWorld.current
    let seed = UInt64.random(in: 0...UInt64.max)
    print("random kills: seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    for round in 1...2 {
      try await world.target.mark("before round \(round)")
      try await world.server.start()
      let job = try await world.restore()
      for _ in 1...3 {
        let delay = Int.random(in: 0...2000, using: &generator)
        // Not a wait for anything: the moment is the one that chance has chosen.
        try await Task.sleep(for: .milliseconds(delay))
        try await world.server.kill()
        try await world.server.start()
      }
      try await Self.expectCompleted(job, in: world, "seed \(seed), round \(round)")
      #expect(try await world.server.stop() == 0)
    }
  }

  private static func expectCompleted(
    _ job: String,
    in world: CrashWorld,
    _ comment: Comment? = nil
  ) async throws {
    let operation = try await world.installation.finished(job)
    #expect(operation.status == "completed", comment)
    #expect(operation.error == nil, comment)
    #expect(operation.result?.verified == true, comment)
    #expect(operation.result?.network?.confirmed == true, comment)
    try await world.target.guest.waitUntilReady()
    let expected = [CrashWorld.sourceText, CrashWorld.sourceText]
    #expect(try await world.target.marks() == expected, comment)
    #expect(try await world.target.guest.read("/data/name") == "source\n", comment)
    let kept = try world.target.kept()
    #expect(kept.map(\.count) == [1, 1], comment)
    for (format, path) in zip(["raw", "qcow2"], kept.joined()) {
      // It says so when somebody holds QEMU's locks on the image.
      try await TestProcess.run("qemu-img", ["info", "-f", format, path])
    }
    try await world.expectNothingLeft()
  }
}

extension CrashWorld {
  /// Asks for the one restore that all tests are about.
  func restore() async throws -> String {
    try await installation.restore(backup, of: source.vps, onto: target.vps)
  }

  /// What no job may leave: sockets, scratch files, snapshots without a manifest, former seeds.
  func expectNothingLeft() async throws {
    let manager = FileManager.default
    #expect(try manager.contentsOfDirectory(atPath: "\(server.dataPath)/run") == [])
    let store = try await server.program.run("datastore", "status", "--json")
      .decode(StorePrint.self)
    #expect(store.unfinishedCount == 0)
    let seeds = "\(server.dataPath)/seeds/\(target.vps)"
    if manager.fileExists(atPath: seeds) {
      // The one in use, and the one that belongs to the kept disk.
      #expect(try manager.contentsOfDirectory(atPath: seeds).count <= 2)
    }
  }
}
