import Model
import Synchronization

/// What happened, line by line, the same for the same seed.
///
/// Identifiers and scratch names are made anew each time, so they are numbered instead.
package final class Trace: Sendable {
  private struct State {
    var lines: [String] = []
    var numbers: [String: Int] = [:]
  }

  private let isWanted: Bool
  private let folder: String
  private let state = Mutex(State())

  /// Makes a trace of what happens in `folder`; one that isn't wanted stays empty.
  init(isWanted: Bool, folder: String) {
    self.isWanted = isWanted
    self.folder = folder
  }

  /// The lines so far.
  package var lines: [String] { state.withLock { $0.lines } }

  func add(_ line: @autoclosure () -> String) {
    guard isWanted else { return }
    let line = line().replacing(folder + "/", with: "")
    state.withLock { state in
      state.lines.append(Self.settled(line, &state.numbers))
    }
  }

  /// A sentence with numbers for what is made anew each time.
  func settled(_ sentence: String) -> String {
    state.withLock { Self.settled(sentence, &$0.numbers) }
  }

  private static func settled(_ line: String, _ numbers: inout [String: Int]) -> String {
    var result = ""
    var word = ""
    func end(_ numbers: inout [String: Int]) {
      if ULID(word) != nil {
        let number = numbers[word] ?? numbers.count + 1
        numbers[word] = number
        result += "#\(number)"
      } else if result.hasSuffix(".rehome-probe-") || result.hasSuffix(".tmp_") {
        result += "x"
      } else {
        result += word
      }
      word = ""
    }
    for character in line {
      if character.isLetter || character.isNumber {
        word.append(character)
      } else {
        end(&numbers)
        result.append(character)
      }
    }
    end(&numbers)
    return result
  }
}
