import Glibc

/// Standard error as the place of the log.
package enum StandardErrorLog {
  private static let queue: LineQueue = {
    // What was said last is why somebody reads the log of a program that has ended.
    atexit { StandardErrorLog.finish() }
    return LineQueue(descriptor: STDERR_FILENO)
  }()

  /// Has a line written soon; one that nobody reads any more is lost, since there is nobody to tell.
  package static func write(_ line: String, _ format: LogFormat) {
    queue.add(line, format)
  }

  /// Waits until what was said is written, but not for a reader who has stopped reading.
  private static func finish() {
    queue.finish(within: .seconds(1))
  }
}
