import Foundation
import Simulation

/// `simulate --seeds N [--first S]` or `simulate --seed S`.
@main
struct Simulate {
  static func main() async throws {
    let words = CommandLine.arguments
    if let seed = number(after: "--seed", in: words) { return try await replay(seed) }
    guard let count = number(after: "--seeds", in: words) else {
      tell("usage: simulate --seeds N [--first S] | simulate --seed S")
      exit(2)
    }
    try await play(count, from: number(after: "--first", in: words) ?? 1)
  }

  private static func number(after name: String, in words: [String]) -> UInt64? {
    guard let place = words.firstIndex(of: name), place + 1 < words.count else { return nil }
    return UInt64(words[place + 1])
  }

  private static func replay(_ seed: UInt64) async throws {
    let report = try await SeedRun.run(seed, isTraced: true)
    for line in report.trace { tell(line) }
    for complaint in report.complaints { tell("seed \(seed): \(complaint)") }
    exit(report.complaints.isEmpty ? 0 : 1)
  }

  private static func play(_ count: UInt64, from first: UInt64) async throws {
    var progress = SeedProgress(count: count)
    let total = try await SeedSeries.run(first..<first + count) { report, total in
      if let line = progress.line(total) { FileHandle.standardError.write(Data(line.utf8)) }
      guard !report.complaints.isEmpty else { return }
      for complaint in report.complaints { tell("seed \(report.seed): \(complaint)") }
      tell("  replay with: make simulate SEED=\(report.seed)")
    }
    let swept = try await sweep()
    for (ending, count) in total.endings.sorted(by: { $0.key < $1.key }) {
      tell("jobs \(ending): \(count)")
    }
    tell("failed seeds: \(total.failedSeeds.count)")
    tell("figure simulated-seeds \(count)")
    tell("figure crash-places \(swept.places)")
    tell("figure crashes \(total.crashes + swept.places)")
    tell("figure mixed-or-lost \(total.mixedOrLost)")
    exit(total.failedSeeds.isEmpty && swept.failures == 0 ? 0 : 1)
  }

  /// Every effect of each kind of job is once the last one of its worker.
  private static func sweep() async throws -> (places: Int, failures: Int) {
    var (places, failures) = (0, 0)
    for route in CrashSweep.routes {
      for happening in CrashSweep.happenings {
        let found = try await CrashSweep.run(route, happening)
        places += found.places
        failures += found.complaints.count
        for complaint in found.complaints { tell(complaint) }
      }
    }
    return (places, failures)
  }

  private static func tell(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
  }
}
