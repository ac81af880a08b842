import Foundation
import TestSupport
import Testing

/// A server that is killed while it writes disks over where they are: the next one rolls forward,
/// and an undo still finds everything.
@Suite(.serialized, .tags(.slow), .crashWorld(strategy: "in-place")) struct InPlaceCrashTests {
  @Test(arguments: [
    "after-stop", "before-exchange", "during-rewrite", "between-exchanges", "after-exchange",
    "before-start", "after-start",
  ])
  func `an in-place restore whose server dies is completed, and can be taken back`(
    _ moment: String
  ) async throws {
    let world = CrashWorld.current
    try await world.target.mark("before \(moment)")
    try await world.server.start(killedAt: moment)
    let job = try await world.restore()
    #expect(try await world.server.waitForEnd() == Server.killed)
    try await world.server.start()
    let operation = try await world.installation.finished(job)
    #expect(operation.status == "completed", "\(operation)")
    #expect(operation.result?.verified == true)
    try await world.target.guest.waitUntilReady()
    let expected = [CrashWorld.sourceText, CrashWorld.sourceText]
    #expect(try await world.target.marks() == expected)
    #expect(try world.target.kept().joined().isEmpty)
    try await world.expectNothingLeft()

    let undo = try await world.installation.undo(job)
    #expect(try await world.installation.finished(undo).status == "completed")
    try await world.target.guest.waitUntilReady()
    #expect(try await world.target.marks() == ["before \(moment)", "before \(moment)"])
    #expect(try world.undoLogs().isEmpty)
    #expect(try await world.server.stop() == 0)
  }
}

extension CrashWorld {
  fileprivate func undoLogs() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(server.dataPath)/undo")
  }
}
