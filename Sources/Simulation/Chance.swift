import Synchronization
import TestSupport

/// Chance that a seed gives again.
final class Chance: Sendable {
  private let generator: Mutex<SeededGenerator>

  init(seed: UInt64) {
    generator = Mutex(SeededGenerator(seed: seed))
  }

  /// A number in a range.
  func number(in range: ClosedRange<Int>) -> Int {
    generator.withLock { Int.random(in: range, using: &$0) }
  }

  /// True once in so many times.
  func isOne(in count: Int) -> Bool { number(in: 1...count) == 1 }

  /// One of several.
  func pick<Value>(_ values: [Value]) -> Value { values[number(in: 0...values.count - 1)] }
}
