/// What came of many seeds.
package struct SeedTotal: Sendable {
  /// How many seeds were played.
  package var seedCount = 0
  /// The seeds that something is wrong with.
  package var failedSeeds: [UInt64] = []
  /// How often workers and hosts died.
  package var crashes = 0
  /// How many targets were neither what they were nor what they should become.
  package var mixedOrLost = 0
  /// How many jobs were done, by how they ended.
  package var endings: [String: Int] = [:]

  mutating func add(_ report: SeedReport) {
    seedCount += 1
    if !report.complaints.isEmpty { failedSeeds.append(report.seed) }
    crashes += report.crashes
    mixedOrLost += report.isMixedOrLost ? 1 : 0
    endings.merge(report.endings, uniquingKeysWith: +)
  }
}

/// Plays many seeds, as many at a time as there are processors to use.
package enum SeedSeries {
  /// Worlds at the same time; each is one thread and its catalog's.
  private static let width = 2

  /// Plays `seeds` and tells `played` of each, with what came of all so far.
  package static func run(
    _ seeds: Range<UInt64>,
    scope: Scope = .everything,
    played: (SeedReport, SeedTotal) -> Void
  ) async throws -> SeedTotal {
    try await withThrowingTaskGroup(of: SeedReport.self) { group in
      var total = SeedTotal()
      var rest = seeds
      func add() {
        guard let seed = rest.popFirst() else { return }
        group.addTask { try await SeedRun.run(seed, scope: scope) }
      }
      for _ in 0..<width { add() }
      while let report = try await group.next() {
        total.add(report)
        played(report, total)
        add()
      }
      return total
    }
  }
}
