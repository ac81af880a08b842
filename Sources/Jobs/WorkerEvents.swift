import Model

/// What a worker's loop reacts to.
struct WorkerEvents: Sendable {
  enum Event: Sendable {
    /// Time to look for work.
    case tick
    /// An attempt at a job of a class has ended.
    case ended(JobClass)
    /// No new jobs from here.
    case stop
    /// What still runs has had its time.
    case drained
  }

  let stream: AsyncStream<Event>
  private let continuation: AsyncStream<Event>.Continuation

  init() {
    (stream, continuation) = AsyncStream.makeStream(of: Event.self)
  }

  func send(_ event: Event) { continuation.yield(event) }
}
