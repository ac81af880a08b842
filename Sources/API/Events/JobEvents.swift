import CoreMetrics
import Logging
import Model
import Operations
import ServiceLifecycle
import Synchronization

/// Tells everybody who watches jobs how they stand: one look at the catalog a second serves them
/// all, and nobody watching costs none.
final class JobEvents: Service {
  private struct Watcher {
    let jobID: JobID
    let keyID: KeyID?
    let clientID: ClientID
    let continuation: AsyncStream<JobEvent>.Continuation
    let close: @Sendable () -> Void
    var pace: EventPace
    /// Since when the reader hasn't taken what it was told; nil: it has.
    var stalledSince: Timestamp?
    /// When the stream was ended; nil: it goes on.
    var endedAt: Timestamp?
  }

  private struct State {
    var watchers: [Int: Watcher] = [:]
    var next = 0
  }

  private let operations: Operations
  private let clock: any WallClock
  private let timer: any Clock<Duration>
  private let logger: Logger
  private let open: Meter
  private let state = Mutex(State())

  init(
    operations: Operations,
    clock: any WallClock,
    timer: any Clock<Duration>,
    metrics: any MetricsFactory,
    logger: Logger
  ) {
    self.operations = operations
    self.clock = clock
    self.timer = timer
    self.logger = logger
    open = Meter(label: MetricName.eventStreams.rawValue, factory: metrics)
  }

  func run() async throws {
    await cancelWhenGracefulShutdown { [self] in
      repeat { await look() } while await timer.isAwake(after: Limits.eventInterval)
    }
  }

  /// Takes a place for a caller who may see the job; it is told at once how the job stands.
  ///
  /// - Parameters:
  ///   - job: The job as it is now.
  ///   - keyID: Whose places are counted beside the client's, and whose end is the stream's.
  ///   - close: Closes the connection, for a reader that doesn't read.
  /// - Returns: The place, which is given back when nobody has it any more.
  /// - Throws: When the key, the job's client, or all together have as many as there may be.
  func sit(
    watching job: Job,
    keyID: KeyID?,
    close: @escaping @Sendable () -> Void
  ) throws(SeatsTaken) -> EventSeat {
    let now = clock.now()
    let (events, continuation) = AsyncStream.makeStream(
      of: JobEvent.self,
      bufferingPolicy: .bufferingNewest(1)
    )
    let number = try state.withLock { state throws(SeatsTaken) -> Int in
      let ofClient = state.watchers.values.filter { $0.clientID == job.clientID }
      try SeatsTaken.check(ofClient.count { $0.keyID == keyID }, Limits.eventStreamsPerKey)
      try SeatsTaken.check(ofClient.count, Limits.eventStreamsPerClient)
      try SeatsTaken.check(state.watchers.count, Limits.eventStreams)
      state.next += 1
      state.watchers[state.next] = Watcher(
        jobID: job.id,
        keyID: keyID,
        clientID: job.clientID,
        continuation: continuation,
        close: close,
        pace: EventPace(job, at: now),
        endedAt: job.state.isFinal ? now : nil
      )
      open.set(state.watchers.count)
      return state.next
    }
    continuation.yield(job.state.isFinal ? .last(job) : .progress(job))
    if job.state.isFinal { continuation.finish() }
    return EventSeat(number: number, events: events, hall: self)
  }

  /// Ends a stream before its job's last word.
  func end(_ number: Int) {
    let now = clock.now()
    state.withLock { state in
      guard state.watchers[number]?.endedAt == nil else { return }
      state.watchers[number]?.endedAt = now
      state.watchers[number]?.continuation.finish()
    }
  }

  /// Gives a place back.
  func leave(_ number: Int) {
    let left = state.withLock { state in
      defer { open.set(state.watchers.count) }
      return state.watchers.removeValue(forKey: number)
    }
    left?.continuation.finish()
  }

  /// Looks at every watched job once.
  func look() async {
    let (jobs, keys) = state.withLock { state in
      let live = state.watchers.values.filter { $0.endedAt == nil }
      return (Set(live.map(\.jobID)), Set(live.compactMap(\.keyID)))
    }
    var watched: WatchedJobs?
    if !jobs.isEmpty {
      do throws(Refusal) {
        watched = try await operations.watched(jobs: jobs, keys: keys)
      } catch {
        // Whoever watches is told at the next look; the use cases have logged what is wrong.
        logger.debug("watched jobs not seen", metadata: ["code": "\(error.code)"])
      }
    }
    tell(watched, asked: keys)
  }
}

extension JobEvents {
  /// Tells each watcher what there is to tell, and closes on those who don't listen.
  private func tell(_ watched: WatchedJobs?, asked keys: Set<KeyID>) {
    let now = clock.now()
    let stuck = state.withLock { state in
      for number in state.watchers.keys {
        Self.tell(&state.watchers[number], watched, asked: keys, at: now)
      }
      return state.watchers.values.filter { Self.isStuck($0, at: now) }
    }
    for watcher in stuck { watcher.close() }
  }

  private static func tell(
    _ place: inout Watcher?,
    _ watched: WatchedJobs?,
    asked keys: Set<KeyID>,
    at now: Timestamp
  ) {
    guard var watcher = place, watcher.endedAt == nil else { return }
    defer { place = watcher }
    guard let watched else {
      if let event = watcher.pace.breathe(at: now) { send(event, to: &watcher, at: now) }
      return
    }
    // Of a key that sat down while the catalog was asked nothing is known before the next look.
    if let keyID = watcher.keyID, keys.contains(keyID), !watched.usableKeys.contains(keyID) {
      end(&watcher, at: now)
      return
    }
    guard let job = watched.jobs[watcher.jobID],
      let event = watcher.pace.see(job, at: now)
    else { return }
    send(event, to: &watcher, at: now)
    if case .last = event { end(&watcher, at: now) }
  }

  private static func send(_ event: JobEvent, to watcher: inout Watcher, at now: Timestamp) {
    switch watcher.continuation.yield(event) {
    case .dropped(let unread):
      watcher.stalledSince = watcher.stalledSince ?? now
      // Silence must not take the place of news.
      if event == .keepAlive, unread != .keepAlive { watcher.continuation.yield(unread) }
    case .enqueued, .terminated:
      watcher.stalledSince = nil
    @unknown default:
      watcher.stalledSince = nil
    }
  }

  private static func end(_ watcher: inout Watcher, at now: Timestamp) {
    watcher.endedAt = now
    watcher.continuation.finish()
  }

  /// Whether a reader has had its time: to take what it was told, or to take the last of it.
  private static func isStuck(_ watcher: Watcher, at now: Timestamp) -> Bool {
    if let ended = watcher.endedAt { return ended.advanced(by: Limits.eventFarewell) <= now }
    guard let since = watcher.stalledSince else { return false }
    return since.advanced(by: Limits.eventPatience) <= now
  }
}
