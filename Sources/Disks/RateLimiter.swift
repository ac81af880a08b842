import Synchronization

/// Lets bytes pass at a rate that may change at any moment.
///
/// Who wants to move bytes spends them first and is let go in the order of asking. What one is
/// asked to wait is told by the rate as it is now: a new rate reaches those who wait already.
package final class RateLimiter: Sendable {
  private struct State {
    var bytesPerSecond: Int64?
    /// Bytes that were asked for, ever.
    var asked: Double = 0
    /// Bytes that were let pass, ever; at most the burst ahead of what was asked for.
    var allowed: Double = 0
    var lastLook: Duration = .zero
  }

  /// What may pass at once after a quiet time: a quarter of a second's worth, so that the rate is
  /// kept within every second.
  private static let burstSeconds = 0.25
  /// How long one waits at most before looking again whether the rate has changed.
  private static let tick = Duration.milliseconds(200)

  private let state: Mutex<State>
  /// The time since the limiter was made.
  private let elapsed: @Sendable () -> Duration
  private let sleep: @Sendable (Duration) async throws -> Void

  /// Makes a limiter; without a rate everything passes.
  package convenience init(bytesPerSecond: Int64? = nil) {
    self.init(bytesPerSecond: bytesPerSecond, clock: ContinuousClock())
  }

  /// Makes a limiter that measures its time with `clock`.
  package init<C: Clock<Duration>>(bytesPerSecond: Int64? = nil, clock: C) {
    let start = clock.now
    state = Mutex(State(bytesPerSecond: bytesPerSecond))
    elapsed = { start.duration(to: clock.now) }
    sleep = { try await clock.sleep(for: $0) }
  }

  /// Bytes a second; nil: no bound.
  package var bytesPerSecond: Int64? { state.withLock { $0.bytesPerSecond } }

  /// Changes the rate, also for those who wait.
  package func setRate(_ bytesPerSecond: Int64?) {
    let now = elapsed()
    state.withLock { state in
      guard state.bytesPerSecond != bytesPerSecond else { return }
      Self.refill(&state, now)
      if state.bytesPerSecond == nil { state.allowed = state.asked }
      state.bytesPerSecond = bytesPerSecond
    }
  }

  /// Waits until `bytes` may pass; in a cancelled task it doesn't wait any longer.
  package func spend(_ bytes: Int) async {
    guard bytes > 0 else { return }
    let start = elapsed()
    // A ticket is the place in the stream of all bytes at which one's own begin.
    let ticket = state.withLock { state -> Double? in
      guard state.bytesPerSecond != nil else { return nil }
      Self.refill(&state, start)
      defer { state.asked += Double(bytes) }
      return state.asked
    }
    guard let ticket else { return }
    while let wait = wait(for: ticket) {
      do {
        try await sleep(min(wait, Self.tick))
      } catch {
        // Cancelled: whoever notices ends what the bytes are for.
        return
      }
    }
  }

  /// Counts bytes that have passed without asking; who asks later waits for them, too.
  package func charge(_ bytes: Int) {
    let now = elapsed()
    state.withLock { state in
      guard state.bytesPerSecond != nil, bytes > 0 else { return }
      Self.refill(&state, now)
      state.asked += Double(bytes)
    }
  }

  private func wait(for ticket: Double) -> Duration? {
    let now = elapsed()
    return state.withLock { state in
      Self.refill(&state, now)
      guard let rate = state.bytesPerSecond, state.allowed < ticket else { return nil }
      return max(.milliseconds(1), .seconds((ticket - state.allowed) / Double(rate)))
    }
  }

  private static func refill(_ state: inout State, _ now: Duration) {
    defer { state.lastLook = max(state.lastLook, now) }
    guard let rate = state.bytesPerSecond, now > state.lastLook else { return }
    let new = (now - state.lastLook) / .seconds(1) * Double(rate)
    state.allowed = min(state.allowed + new, state.asked + Double(rate) * burstSeconds)
  }
}
