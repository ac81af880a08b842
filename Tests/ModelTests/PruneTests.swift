import Model
import Testing

/// Which backups a rule keeps, by the rules that Proxmox Backup Server documents.
struct PruneTests {
  private let clock = SystemWallClock()

  /// A backup of each moment; the moment tells them apart.
  private func backups(_ times: [String], _ state: BackupState = .complete) throws -> [Backup] {
    let identifiers = IdentifierFactory(clock: clock)
    let (client, vps): (ClientID, VPSID) = (identifiers.make(), identifiers.make())
    return try times.map { time in
      Backup(
        id: identifiers.make(),
        clientID: client,
        vpsID: vps,
        state: state,
        type: .manual,
        createdAt: try #require(Timestamp(time))
      )
    }
  }

  private func kept(_ decisions: [PruneDecision]) -> [String] {
    decisions.compactMap { decision in
      decision.reason.map { "\(decision.backup.createdAt.text.prefix(13)) \($0.rawValue)" }
    }
  }

  private static let times = [
    "2026-03-02T23:00:00Z", "2026-03-02T22:30:00Z", "2026-03-02T22:00:00Z",
    "2026-03-02T01:00:00Z", "2026-03-01T12:00:00Z", "2026-02-28T12:00:00Z",
    "2026-02-22T12:00:00Z", "2026-01-15T12:00:00Z", "2025-12-31T12:00:00Z",
    "2025-06-01T12:00:00Z", "2024-06-01T12:00:00Z",
  ]

  @Test(arguments: [
    (PruneRule(last: 2), ["2026-03-02T23 last", "2026-03-02T22 last"]),
    (
      PruneRule(hourly: 3),
      ["2026-03-02T23 hourly", "2026-03-02T22 hourly", "2026-03-02T01 hourly"]
    ),
    (PruneRule(daily: 2), ["2026-03-02T23 daily", "2026-03-01T12 daily"]),
    // 2026-03-02 is a Monday, 2026-03-01 the Sunday of the week before, 2026-02-22 that of an
    // earlier one.
    (
      PruneRule(weekly: 3),
      ["2026-03-02T23 weekly", "2026-03-01T12 weekly", "2026-02-22T12 weekly"]
    ),
    (
      PruneRule(monthly: 3),
      ["2026-03-02T23 monthly", "2026-02-28T12 monthly", "2026-01-15T12 monthly"]
    ),
    (
      PruneRule(yearly: 9),
      ["2026-03-02T23 yearly", "2025-12-31T12 yearly", "2024-06-01T12 yearly"]
    ),
    // The day of what --keep-last keeps is covered, and doesn't count as one of the days.
    (
      PruneRule(last: 1, daily: 1, monthly: 1, yearly: 1),
      [
        "2026-03-02T23 last", "2026-03-01T12 daily", "2026-02-28T12 monthly",
        "2025-12-31T12 yearly",
      ]
    ),
    // What has a newer one beside it in a period is not taken up by a longer one.
    (
      PruneRule(daily: 3, weekly: 2),
      [
        "2026-03-02T23 daily", "2026-03-01T12 daily", "2026-02-28T12 daily",
        "2026-02-22T12 weekly", "2026-01-15T12 weekly",
      ]
    ),
  ])
  func `a rule keeps the newest of its periods`(rule: PruneRule, expected: [String]) throws {
    #expect(kept(rule.decide(about: try backups(Self.times), held: [])) == expected)
    // The order in which they come doesn't matter.
    #expect(kept(rule.decide(about: try backups(Self.times.reversed()), held: [])) == expected)
  }

  @Test func `what is held stays and takes nobody's place`() throws {
    let all = try backups(Self.times)
    let decisions = PruneRule(last: 1).decide(about: all, held: [all[0].id, all[3].id])
    #expect(
      kept(decisions) == ["2026-03-02T23 held", "2026-03-02T22 last", "2026-03-02T01 held"]
    )
  }

  @Test func `the newest complete backup stays whatever the rule says`() throws {
    let all = try backups(["2026-03-02T23:00:00Z", "2026-03-01T23:00:00Z"])
    #expect(kept(PruneRule().decide(about: all, held: [])) == ["2026-03-02T23 newest"])
    #expect(PruneRule().isEmpty && !PruneRule(yearly: 1).isEmpty)
  }

  @Test func `damaged backups count as none, and go when all that stay are newer`() throws {
    let good = try backups(["2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z"])
    let bad = try backups(["2026-03-02T00:00:00Z", "2026-02-15T00:00:00Z"], .damaged)
    #expect(
      kept(PruneRule(last: 1).decide(about: good + bad, held: [])) == [
        "2026-03-02T00 damaged", "2026-03-01T00 last",
      ]
    )
    #expect(
      kept(PruneRule(last: 2).decide(about: good + bad, held: [])) == [
        "2026-03-02T00 damaged", "2026-03-01T00 last", "2026-02-15T00 damaged",
        "2026-02-01T00 last",
      ]
    )
    // With no good one at all the bad ones are all there is.
    #expect(PruneRule(last: 1).decide(about: bad, held: []).allSatisfy { $0.reason == .damaged })
  }
}
