import Dispatch
import Foundation
import Logging
import Model
import Synchronization

/// Lines on their way to a descriptor, written by a thread of their own.
///
/// Whoever logs never waits for whoever reads: a reader that stops reading (a full pipe, a terminal that is
/// held) would stop answers and jobs alike. What doesn't fit is dropped, and a line where it is missing
/// tells how much that was.
package final class LineQueue: Sendable {
  private struct State {
    var lines: [String] = []
    var byteCount = 0
    var droppedCount = 0
    var droppedFormat = LogFormat.text
    var isWriting = false
  }

  private let descriptor: Int32
  private let limit: Int
  private let state = Mutex(State())
  // A serial queue has a thread at once, whatever else the process waits for.
  private let thread = DispatchQueue(label: "rehome.log")

  /// Makes a queue that holds at most `limit` bytes of lines that aren't written yet.
  package init(descriptor: Int32, limit: Int = 1 << 20) {
    self.descriptor = descriptor
    self.limit = limit
  }

  /// Takes a line with its end, and returns before it is written.
  ///
  /// - Parameters:
  ///   - line: The line.
  ///   - format: How the line that tells of dropped ones is to look.
  package func add(_ line: String, _ format: LogFormat) {
    let begins = state.withLock { state in
      let count = line.utf8.count
      guard state.droppedCount == 0, state.byteCount + count <= limit else {
        state.droppedCount += 1
        state.droppedFormat = format
        return false
      }
      state.lines.append(line)
      state.byteCount += count
      defer { state.isWriting = true }
      return !state.isWriting
    }
    guard begins else { return }
    thread.async { self.writeAll() }
  }

  /// Waits until all that was added is written, but no longer than `limit`.
  package func finish(within limit: Duration) {
    let isDone = DispatchSemaphore(value: 0)
    thread.async { isDone.signal() }
    let (seconds, attoseconds) = limit.components
    _ = isDone.wait(timeout: .now() + Double(seconds) + Double(attoseconds) / 1e18)
  }

  private func writeAll() {
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
    while let lines = next() {
      try? file.write(contentsOf: Data(lines.joined().utf8))
    }
  }

  /// Everything that waits, with a word of what was dropped after it; nil if nothing waits.
  private func next() -> [String]? {
    state.withLock { state in
      guard !state.lines.isEmpty || state.droppedCount > 0 else {
        state.isWriting = false
        return nil
      }
      var lines = state.lines
      if state.droppedCount > 0 {
        lines.append(Self.line(onDropped: state.droppedCount, state.droppedFormat))
      }
      state.lines = []
      state.byteCount = 0
      state.droppedCount = 0
      return lines
    }
  }

  private static func line(onDropped count: Int, _ format: LogFormat) -> String {
    LogLine(
      time: SystemWallClock().now().text,
      level: .warning,
      label: "rehome",
      message: "lines of the log dropped, for nobody read it",
      fields: ["count": "\(count)"]
    ).written(format)
  }
}
