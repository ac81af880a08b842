import Foundation
import Glibc

/// Where a command's words go: results to standard output, everything else to standard error.
struct Console: Sendable {
  /// Whether results are JSON.
  let isJSON: Bool

  /// Whether standard error is a terminal that understands cursor movements.
  let drawsProgress: Bool

  /// Makes a console.
  init(isJSON: Bool) {
    self.isJSON = isJSON
    let terminal = ProcessInfo.processInfo.environment["TERM"] ?? ""
    drawsProgress = !isJSON && isatty(STDERR_FILENO) == 1 && !["", "dumb"].contains(terminal)
  }

  /// Writes a command's result: its one JSON value, or the words for people.
  func show(_ json: @autoclosure () -> JSONValue, words: () -> String) {
    let text = isJSON ? json().text(indented: isatty(STDOUT_FILENO) == 1) : words()
    Self.write(text + "\n", to: .standardOutput)
  }

  /// Tells people something beside the result; programs don't get it.
  func note(_ sentence: String) {
    guard !isJSON else { return }
    Self.write(sentence + "\n", to: .standardError)
  }

  /// Draws on the terminal, without a line's end.
  func draw(_ text: String) {
    Self.write(text, to: .standardError)
  }

  /// Tells why a command ended badly.
  static func complain(_ failure: CommandFailure, asJSON: Bool) {
    let text = asJSON ? failure.json.text(indented: false) : "rehome: \(failure.sentence)"
    write(text + "\n", to: .standardError)
  }

  private static func write(_ text: String, to file: FileHandle) {
    do {
      try file.write(contentsOf: Data(text.utf8))
    } catch {
      // Nobody listens any more; the exit code still says how it went.
    }
  }
}
