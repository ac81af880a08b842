import Model
import Simulation
import Testing

/// What ten thousand seeds have found: workers that had lost their job and went on, and faults of a
/// moment that were taken for lasting ones.
struct OvertakenTests {
  private typealias Case = KnownFaultTests.Case

  private static let staged = Work.restore(.staged, startsWhenOff: false)
  private static let inPlace = Work.restore(.inPlace, startsWhenOff: false)

  private static let cases = [
    Case(
      "who has lost the job while asking for the target's state stops it no more",
      [Act(staged, [Cued(.effect("libvirt: state"), .frozen)])]
    ),
    Case(
      "who has lost the job while the target shut down leaves its autostart alone",
      [Act(staged, [Cued(.effect("libvirt: waitUntil"), .frozen)])]
    ),
    Case(
      "who has lost the job while verifying doesn't take its undo for an older one's",
      [Act(staged, [Cued(.effect("moment: during-verify"), .frozen)])]
    ),
    Case(
      "an undo in place whose disk is full for a moment goes on",
      [Act(inPlace), Act(.undo, [Cued(.effect("write target/disk0"), .diskFull)])]
    ),
    Case(
      "an older undo log that can't be removed at once fails no restore",
      [Act(inPlace), Act(inPlace, [Cued(.effect("libvirt: refreshPool"), .diskFailed)])]
    ),
  ]

  @Test(arguments: cases.indices, 1...4)
  func `who has lost a job, or meets a fault of a moment, spoils nothing`(
    _ number: Int,
    _ seed: Int
  ) async throws {
    let known = Self.cases[number]
    let report = try await SeedRun.run(UInt64(seed), isRunning: true, acts: known.acts)
    #expect(report.complaints == [], "\(known)")
    #expect(report.happenings == known.planned, "\(known)")
    #expect(Set(report.endings.keys) == ["completed "], "\(known)")
  }
}
