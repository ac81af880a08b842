import Model

/// One watcher's place among those who watch jobs: given back when nobody has it any more.
///
/// So a stream that never begins, because its client has gone or asked with HEAD, costs no place.
final class EventSeat: Sendable {
  /// What the watcher is told.
  ///
  /// It holds one event, and a newer one takes its place: a slow reader misses some progress, and no
  /// memory grows.
  let events: AsyncStream<JobEvent>

  private let number: Int
  private let hall: JobEvents

  init(number: Int, events: AsyncStream<JobEvent>, hall: JobEvents) {
    self.number = number
    self.events = events
    self.hall = hall
  }

  deinit { hall.leave(number) }

  /// Ends the stream before the job's last word.
  func end() { hall.end(number) }
}
