import Model
import Simulation
import Testing

/// What seeds have found once, each at the one moment that matters.
struct KnownFaultTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let acts: [Act]
    let ending: String

    init(_ sentence: String, _ acts: [Act], endsAs ending: String = "completed ") {
      testDescription = sentence
      self.acts = acts
      self.ending = ending
    }
  }

  private static let staged = Work.restore(.staged, startsWhenOff: false)
  private static let inPlace = Work.restore(.inPlace, startsWhenOff: false)
  private static let refused = Cued(.effect("libvirt: start"), .startRefused)

  private static let cases = [
    Case(
      "a stage whose maker was killed before it was stamped is made again",
      [Act(staged, [Cued(.effect("mark target/.disk0.rehome"), .killed)])]
    ),
    Case(
      "a stage that the journal calls done is there after a power failure",
      [Act(staged, [Cued(.effect("libvirt: requestShutdown"), .powerLost)])]
    ),
    Case(
      "a former disk that doesn't start at once is started again",
      [Act(staged, [refused, refused])],
      endsAs: "failed rolled_back"
    ),
    Case(
      "a former disk that never starts leaves nothing behind",
      [Act(staged, [refused, refused, refused, refused, refused])],
      endsAs: "failed rolled_back_not_running"
    ),
    Case(
      "an undo in place whose guest doesn't start says what is there",
      [Act(inPlace), Act(.undo, [refused])],
      endsAs: "failed new_disk_not_running"
    ),
    Case(
      "a restored disk that can't be removed is tried again",
      [Act(staged), Act(.undo, [Cued(.effect("remove target/.disk0"), .diskFailed)])]
    ),
    Case(
      "somebody who looks at the stopped disk is waited for",
      [Act(staged, [Cued(.effect("moment: after-stop"), .deed(.inspect))])]
    ),
  ]

  @Test(arguments: cases, 1...4)
  func `a fault that was found stays mended`(_ known: Case, _ seed: Int) async throws {
    let report = try await SeedRun.run(UInt64(seed), isRunning: true, acts: known.acts)
    #expect(report.complaints == [])
    #expect(report.endings[known.ending] != nil, "\(report.endings)")
  }
}
