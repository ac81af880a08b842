import Simulation

/// How far a long series is, told now and then.
struct SeedProgress {
  private static let interval = Duration.seconds(30)

  /// How many seeds there are.
  let count: UInt64
  private let start = ContinuousClock.now
  private var toldAt = ContinuousClock.now

  init(count: UInt64) { self.count = count }

  /// A line if it's time for one.
  mutating func line(_ total: SeedTotal) -> String? {
    let now = ContinuousClock.now
    guard now - toldAt >= Self.interval else { return nil }
    toldAt = now
    let done = Double(total.seedCount)
    let rate = done / Double((now - start).components.seconds)
    let minutes = Int((Double(count) - done) / rate / 60)
    return "\(total.seedCount) of \(count) seeds, \(total.crashes) crashes, "
      + "\(total.failedSeeds.count) failed, some \(minutes) min left\n"
  }
}
