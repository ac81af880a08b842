import Dispatch
import Foundation
import Model
import Synchronization

/// Finds out whether files answer, without waiting for ever for a file system that hangs.
enum FileProbe {
  /// Whether the first bytes of all these files were read, or refused, within a time.
  ///
  /// A read that hangs keeps its thread; nobody waits for it any more.
  static func answer(_ paths: [String], within limit: Duration) async -> Bool {
    await withCheckedContinuation { continuation in
      let answer = Answer(continuation)
      DispatchQueue(label: "rehome.probe").async {
        for path in paths {
          let file = try? FileHandle(forReadingFrom: URL(filePath: path))
          _ = try? file?.read(upToCount: 1)
          try? file?.close()
        }
        answer.give(true)
      }
      let end = DispatchTime.now() + .milliseconds(Int(limit.milliseconds))
      // A queue of its own: those that all share may be taken by other calls that hang.
      DispatchQueue(label: "rehome.probe.end").asyncAfter(deadline: end) { answer.give(false) }
    }
  }

  /// The first answer is given, later ones come to nothing.
  private final class Answer: Sendable {
    private let waiting: Mutex<CheckedContinuation<Bool, Never>?>

    init(_ continuation: CheckedContinuation<Bool, Never>) {
      waiting = Mutex(continuation)
    }

    func give(_ answer: Bool) {
      waiting.withLock { $0.take() }?.resume(returning: answer)
    }
  }
}
