package import Model
import Synchronization

/// A clock that stands still until a test moves it.
///
/// It is the time of day itself; `timer` is the same time for what waits. Give both to what is
/// tested, and nothing in it ever waits for real.
package final class ManualClock: WallClock {
  private struct Sleeper {
    var deadline: Duration
    var continuation: CheckedContinuation<Void, any Error>
  }

  private struct Watcher {
    var count: Int
    var continuation: CheckedContinuation<Void, Never>
  }

  private struct State {
    var elapsed = Duration.zero
    /// How far the time of day was set away from what has passed.
    var set = Duration.zero
    var nextID = 0
    var sleepers: [Int: Sleeper] = [:]
    /// Whose task was cancelled before they had begun to wait.
    var cancelled: Set<Int> = []
    var watchers: [Int: Watcher] = [:]
  }

  private let start: Timestamp
  private let state = Mutex(State())

  /// Makes a clock that shows `start`.
  package init(_ start: Timestamp = ManualClock.usualStart) {
    self.start = start
  }

  /// 2026-04-27T12:34:56.000Z.
  package static let usualStart = Timestamp(seconds: 1_777_293_296)

  /// The same time for what waits.
  package var timer: ManualTimer { ManualTimer(clock: self) }

  package func now() -> Timestamp { start.advanced(by: state.withLock { $0.elapsed + $0.set }) }

  /// How much time has passed since the clock was made, whatever the time of day was set to.
  package var uptime: Duration { state.withLock { $0.elapsed } }

  /// Sets the time of day forward or back; nobody who waits is awake any sooner.
  package func set(by duration: Duration) { state.withLock { $0.set += duration } }

  /// Moves the time, and wakes everyone whose waiting is over.
  package func advance(by duration: Duration) {
    let woken = state.withLock { state in
      state.elapsed += duration
      let due = state.sleepers.filter { $0.value.deadline <= state.elapsed }
      for id in due.keys { state.sleepers[id] = nil }
      // By deadline, and of the same by who lay down first: an order that is always the same.
      return due.sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }.map(\.value)
    }
    for sleeper in woken { sleeper.continuation.resume() }
  }

  /// Moves the time to the next moment that anybody waits for; nil, and nothing, if nobody waits.
  @discardableResult
  package func advanceToNext() -> Duration? {
    let next = state.withLock { state in
      state.sleepers.values.map(\.deadline).min().map { $0 - state.elapsed }
    }
    guard let next else { return nil }
    advance(by: max(.zero, next))
    return next
  }

  /// Waits until at least `count` tasks wait for the time to move; a cancelled task waits no more.
  package func whenSleeping(_ count: Int) async {
    let id = newID()
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          if state.cancelled.remove(id) != nil || state.sleepers.count >= count { return true }
          state.watchers[id] = Watcher(count: count, continuation: continuation)
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      let watcher = state.withLock { state -> Watcher? in
        guard let watcher = state.watchers.removeValue(forKey: id) else {
          state.cancelled.insert(id)
          return nil
        }
        return watcher
      }
      watcher?.continuation.resume()
    }
  }

  private func newID() -> Int {
    state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
  }

  fileprivate func sleep(until deadline: Duration) async throws {
    let id = newID()
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        lieDown(id, Sleeper(deadline: deadline, continuation: continuation))
      }
    } onCancel: {
      let sleeper = state.withLock { state -> Sleeper? in
        guard let sleeper = state.sleepers.removeValue(forKey: id) else {
          state.cancelled.insert(id)
          return nil
        }
        return sleeper
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }

  private func lieDown(_ id: Int, _ sleeper: Sleeper) {
    var isCancelled = false
    let (isOver, seen) = state.withLock { state -> (Bool, [Watcher]) in
      isCancelled = state.cancelled.remove(id) != nil
      guard !isCancelled, sleeper.deadline > state.elapsed else { return (true, []) }
      state.sleepers[id] = sleeper
      let count = state.sleepers.count
      let seen = state.watchers.filter { $0.value.count <= count }
      for id in seen.keys { state.watchers[id] = nil }
      return (false, Array(seen.values))
    }
    for watcher in seen { watcher.continuation.resume() }
    guard isOver else { return }
    if isCancelled {
      sleeper.continuation.resume(throwing: CancellationError())
    } else {
      sleeper.continuation.resume()
    }
  }
}

/// What waits by a ``ManualClock``.
package struct ManualTimer: Clock {
  /// A moment, as the time since the clock was made.
  package struct Instant: InstantProtocol {
    fileprivate var elapsed: Duration

    package func advanced(by duration: Duration) -> Instant {
      Instant(elapsed: elapsed + duration)
    }

    package func duration(to other: Instant) -> Duration { other.elapsed - elapsed }

    package static func < (left: Self, right: Self) -> Bool { left.elapsed < right.elapsed }
  }

  fileprivate let clock: ManualClock

  package var now: Instant { Instant(elapsed: clock.uptime) }

  package var minimumResolution: Duration { .zero }

  package func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    try await clock.sleep(until: deadline.elapsed)
  }
}
