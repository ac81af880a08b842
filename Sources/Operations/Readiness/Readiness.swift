import Jobs
package import Model
import ServiceLifecycle
import Synchronization

/// Looks at the parts of a server again and again, and knows at once how each stands.
///
/// Whoever asks never waits for a part: one that doesn't answer is told as such. So a stuck disk
/// can't make `/readyz` hang, and asking often costs nothing.
package final class Readiness: Service {
  private struct Sight {
    /// Since when somebody looks; nil: nobody does right now.
    var lookingSince: Timestamp?
    /// What the last look found, and when; nil before the first.
    var found: (state: ReadinessPart.State, at: Timestamp)?
  }

  private static let notYet = "not looked at yet"
  private static let notAnswering = "not answering"

  private let parts: [ReadinessPart]
  private let clock: any WallClock
  private let timer: any Clock<Duration>
  private let sights: Mutex<[String: Sight]>

  /// Makes the watch of some parts; it looks when its service runs.
  ///
  /// - Parameters:
  ///   - parts: What is looked at.
  ///   - clock: The time of day, for how old a look is.
  ///   - timer: What it waits with between two looks.
  package init(
    parts: [ReadinessPart],
    clock: any WallClock,
    timer: any Clock<Duration> = ContinuousClock()
  ) {
    self.parts = parts
    self.clock = clock
    self.timer = timer
    sights = Mutex([:])
  }

  package func run() async throws {
    await cancelWhenGracefulShutdown { [self] in
      await withDiscardingTaskGroup { group in
        for part in parts {
          group.addTask(name: "look at \(part.name)") { [self] in
            repeat { await look(at: part) } while await timer.isAwake(after: part.interval)
          }
        }
      }
    }
  }

  /// Looks at every part once.
  package func lookOnce() async {
    await withDiscardingTaskGroup { group in
      for part in parts { group.addTask { [self] in await look(at: part) } }
    }
  }

  /// What is wrong with each part; nil: nothing is.
  package var problems: [String: String?] {
    let now = clock.now()
    let sights = sights.withLock { $0 }
    return Dictionary(
      uniqueKeysWithValues: parts.map { ($0.name, Self.problem(with: sights[$0.name], at: now)) }
    )
  }

  private static func problem(with sight: Sight?, at now: Timestamp) -> String? {
    guard let sight else { return notYet }
    if let since = sight.lookingSince, since.advanced(by: Limits.readinessPatience) <= now {
      return notAnswering
    }
    guard let found = sight.found else { return notYet }
    switch found.state {
    case .ready: return nil
    case .away(let reason): return reason
    }
  }

  private func look(at part: ReadinessPart) async {
    let start = clock.now()
    sights.withLock { $0[part.name, default: Sight()].lookingSince = start }
    let state = await part.look()
    let end = clock.now()
    sights.withLock { $0[part.name] = Sight(lookingSince: nil, found: (state, end)) }
  }
}
