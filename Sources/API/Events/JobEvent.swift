import Model

/// What a watcher of a job is told.
enum JobEvent: Sendable, Equatable {
  /// How it stands.
  case progress(Job)
  /// How it ended; nothing comes after it.
  case last(Job)
  /// Nothing, so that the connection isn't taken for dead.
  case keepAlive
}

/// Decides what one watcher is told and when.
struct EventPace: Sendable {
  private var told: Job
  private var toldAt: Timestamp
  private var spokeAt: Timestamp

  /// Begins with a job that the watcher is told of at once.
  init(_ job: Job, at now: Timestamp) {
    told = job
    toldAt = now
    spokeAt = now
  }

  /// What to say about a job as it is now; nil: nothing.
  mutating func see(_ job: Job, at now: Timestamp) -> JobEvent? {
    if job.state.isFinal { return .last(job) }
    if job != told, toldAt.advanced(by: Limits.eventInterval) <= now {
      told = job
      toldAt = now
      spokeAt = now
      return .progress(job)
    }
    return breathe(at: now)
  }

  /// What to say when nothing is known of the job.
  mutating func breathe(at now: Timestamp) -> JobEvent? {
    guard spokeAt.advanced(by: Limits.eventKeepAlive) <= now else { return nil }
    spokeAt = now
    return .keepAlive
  }
}
