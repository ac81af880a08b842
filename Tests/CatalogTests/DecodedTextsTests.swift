import Model
import Synchronization
import Testing

@testable import Catalog

/// Decoded values are kept, within bounds.
struct DecodedTextsTests {
  private struct Unreadable: Error {}

  /// Decodes by counting, and counts.
  private final class Counter: Sendable {
    let calls = Mutex(0)
    let texts = DecodedTexts<Int>()

    func read(_ text: String) throws(Unreadable) -> Int {
      try texts.value(of: text) { text throws(Unreadable) in
        calls.withLock { $0 += 1 }
        guard let number = Int(text) else { throw Unreadable() }
        return number
      }
    }

    var count: Int { calls.withLock { $0 } }
  }

  @Test func `a text is decoded once`() throws {
    let counter = Counter()
    #expect(try [counter.read("7"), counter.read("7"), counter.read("8")] == [7, 7, 8])
    #expect(counter.count == 2)
  }

  @Test func `a text that can't be decoded can't be again`() {
    let counter = Counter()
    for _ in 1...2 { #expect(throws: Unreadable.self) { try counter.read("x") } }
    #expect(counter.count == 2)
  }

  @Test func `what is kept is bounded, in number and in length`() throws {
    let counter = Counter()
    for number in 0...Limits.decodedTexts { #expect(try counter.read("\(number)") == number) }
    #expect(try counter.read("0") == 0)
    #expect(counter.count == Limits.decodedTexts + 2)
    let long = String(repeating: "0", count: Limits.decodedTextBytes) + "5"
    #expect(try [counter.read(long), counter.read(long)] == [5, 5])
    #expect(counter.count == Limits.decodedTexts + 4)
  }
}
