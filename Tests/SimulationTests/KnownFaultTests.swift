import Model
import Simulation
import Testing

/// What seeds have found once, each at the one moment that matters.
struct KnownFaultTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let acts: [Act]
    /// How it ends; nil: one way or the other.
    let ending: String?

    /// How much happens: a cue that fits nothing would test nothing.
    var planned: Int { acts.map(\.plan.count).reduce(0, +) }

    init(_ sentence: String, _ acts: [Act], endsAs ending: String? = "completed ") {
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
      [Act(staged, [refused, refused, refused, refused])],
      endsAs: "failed rolled_back_not_running"
    ),
    Case(
      "an undo in place whose guest doesn't start says what is there",
      [Act(inPlace), Act(.undo, [refused])],
      endsAs: "failed new_disk_not_running"
    ),
    Case(
      "who has lost the job while asking for the state before a start doesn't start",
      [
        Act(inPlace),
        Act(
          .undo,
          [
            Cued(.effect("moment: before-start"), .slow(seconds: 1)),
            Cued(.effect("libvirt: state"), .frozen), refused,
          ]
        ),
      ],
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
    Case(
      "what an overtaken worker stages after the job's end is removed",
      [
        Act(
          staged,
          [
            Cued(.effect("libvirt: fileUsers"), .killed), Cued(.effect("seed: write"), .frozen),
            Cued(.effect("moment: during-verify"), .answerLost),
          ]
        )
      ],
      endsAs: "failed untouched"
    ),
    Case(
      "the folder of a seed is as durable as the seed",
      [Act(staged, [Cued(.effect("moment: after-exchange"), .powerLost)])]
    ),
  ]

  private static let backup = Work.backup(.source)
  private static let made = "backup of source completed "

  private static let backups = [
    Case(
      "a worker that was overtaken removes nothing of who has overtaken it",
      [Act(backup, [Cued(.effect("moment: backup-read"), .frozen)])],
      endsAs: made
    ),
    Case(
      "a worker that was overtaken doesn't claim the backup again",
      [Act(backup, [Cued(.effect("-04-27T"), .frozen)])],
      endsAs: made
    ),
    Case(
      "a guest whose thaw nobody has heard is thawed later",
      [Act(backup, [Cued(.effect("libvirt: thaw"), .hypervisorAway(calls: 5))])],
      endsAs: made
    ),
    Case(
      "a libvirt that hangs in the begin of a session doesn't keep the guest frozen",
      [Act(backup, [Cued(.effect("libvirt: beginBackup"), .hung(seconds: 100))])],
      endsAs: nil
    ),
    Case(
      "a guest that stops for want of room just before the end goes on",
      [Act(backup, [Cued(.effect("served: read vda"), .guestStopped)])],
      endsAs: nil
    ),
    Case(
      "what can't be removed of a cancelled backup is removed later",
      [
        Act(
          backup,
          [
            Cued(.effect("served: read"), .deed(.cancel)),
            Cued(.effect("moment: backup-read"), .slow(seconds: 10)),
            Cued(.effect("remove store/ns"), .diskFailed),
          ]
        )
      ],
      endsAs: "backup of source cancelled untouched"
    ),
  ]

  @Test(arguments: cases, 1...4)
  func `a fault that was found stays mended`(_ known: Case, _ seed: Int) async throws {
    let report = try await SeedRun.run(UInt64(seed), isRunning: true, acts: known.acts)
    #expect(report.complaints == [])
    #expect(report.happenings == known.planned)
    if let ending = known.ending { #expect(report.endings[ending] != nil, "\(report.endings)") }
  }

  @Test(arguments: backups)
  func `a fault of backups that was found stays mended`(_ known: Case) async throws {
    var happenings = 0
    for seed in 1...4 as ClosedRange<UInt64> {
      let report = try await SeedRun.run(seed, isRunning: true, acts: known.acts)
      #expect(report.complaints == [], "seed \(seed)")
      if let ending = known.ending { #expect(report.endings[ending] != nil, "\(report.endings)") }
      happenings = max(happenings, report.happenings)
    }
    // Not in each: a guest without an agent, say, is never frozen.
    #expect(happenings == known.planned)
  }

  /// Should what a seed plays change, it is another seed and no worse.
  @Test(arguments: [
    5233, 8069, 2455, 2694, 3359, 4026, 4482, 5029, 5940, 6646, 6715, 7310, 8340, 11645,
    3343, 4120,
  ])
  func `a seed that has found a fault finds none any more`(_ seed: UInt64) async throws {
    #expect(try await SeedRun.run(seed).complaints == [])
  }
}
