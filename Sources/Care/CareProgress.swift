import Model
import Synchronization

/// Writes down how far a task has come, not more often than anybody looks.
final class CareProgress: Sendable {
  private let task: StoreTask
  private let keeper: StoreKeeper
  private let last: Mutex<Timestamp?> = Mutex(nil)

  init(_ task: StoreTask, keeper: StoreKeeper) {
    self.task = task
    self.keeper = keeper
  }

  func note(_ percent: Int, _ message: String) async {
    let now = keeper.clock.now()
    let isDue = last.withLock { last in
      if let last, now < last.advanced(by: Limits.careProgressInterval), now >= last {
        return false
      }
      last = now
      return true
    }
    guard isDue else { return }
    var running = task
    running.percent = percent
    running.message = message
    await keeper.store(running)
  }
}
