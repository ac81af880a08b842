internal import Model
internal import Synchronization

/// The store's time, which never goes back while the store is open.
///
/// A writer's chunks must never look older than the writer: garbage collection would take them from
/// it. So a clock of the machine that is set back stands still here until it has caught up.
final class StoreClock: WallClock {
  private let clock: any WallClock
  private let latest = Mutex(Int64.min)

  init(_ clock: any WallClock) {
    self.clock = clock
  }

  func now() -> Timestamp {
    let now = clock.now().milliseconds
    return latest.withLock { latest in
      latest = max(latest, now)
      return Timestamp(milliseconds: latest)
    }
  }
}
