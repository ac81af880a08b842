import Model

/// How long a job waits before it is tried again: twice as long after each attempt, up to a bound.
package struct RetryDelay: Sendable {
  private let first: Duration
  private let maximum: Duration

  /// Makes a delay that doubles from `first` to `maximum`.
  package init(first: Duration = .seconds(1), maximum: Duration = Limits.retryDelayMaximum) {
    self.first = first
    self.maximum = maximum
  }

  /// The wait after an attempt, counted from 1.
  package func after(attempt: Int) -> Duration {
    var delay = first
    for _ in 1..<max(1, attempt) where delay < maximum { delay *= 2 }
    return min(delay, maximum)
  }
}

/// How often a job is tried, and what comes after.
struct AttemptPolicy: Sendable {
  /// Attempts beyond the configured ones that a job gets to put right what it has begun.
  static let extraAttempts = 3

  /// The configured number of attempts.
  let attempts: Int
  /// How long to wait between two.
  let delay: RetryDelay

  /// Whether a handler is to be told that no retry will come.
  func isLast(_ attempt: Int) -> Bool { attempt >= attempts }

  /// Whether an attempt isn't made any more: all workers that tried have died of it.
  func isPastAll(_ attempt: Int) -> Bool { attempt > attempts + Self.extraAttempts }

  /// Whether a handler that wants to be called again is, after this attempt.
  ///
  /// One that wants it even on its last attempt couldn't put right what it had begun, so a job with
  /// a journal is given up later than one without.
  func mayRetry(after attempt: Int, hasBegun: Bool) -> Bool {
    attempt < attempts || (hasBegun && attempt < attempts + Self.extraAttempts)
  }
}
