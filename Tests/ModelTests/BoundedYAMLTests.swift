import Model
import Testing

@Suite struct BoundedYAMLTests {
  private static let fives = "x0: &x0 [a, a, a, a, a]\n"

  /// A text whose last anchor stands for five to the power of `levels` words and one more.
  private static func unfolding(_ levels: Int) -> String {
    (1..<max(levels, 1)).reduce(fives) { text, level in
      let last = Array(repeating: "*x\(level - 1)", count: 5).joined(separator: ", ")
      return text + "x\(level): &x\(level) [\(last)]\n"
    }
  }

  @Test func `What aliases stand for is there`() throws {
    let text = "a: &a {b: 1}\nc: *a\nd: [*a, '*a', &a x, *a]\n"
    let node = try #require(try BoundedYAML.compose(text))
    let again = try #require(
      try BoundedYAML.compose("a: {b: 1}\nc: {b: 1}\nd: [{b: 1}, '*a', x, x]")
    )
    #expect(node == again)
  }

  @Test(arguments: ["", "# nothing\n"])
  func `No document is none`(_ text: String) throws {
    #expect(try BoundedYAML.compose(text) == nil)
  }

  @Test func `A text unfolds to so many parts and no more`() throws {
    #expect(throws: Never.self) { try BoundedYAML.compose(Self.unfolding(6)) }
    for text in [7, 9, 27].map(Self.unfolding) {
      #expect(throws: BoundedYAML.Fault.tooLarge) { try BoundedYAML.compose(text) }
      #expect(throws: BoundedYAML.Fault.tooLarge) { try BoundedYAML.compose("\(text)? *x6\n: 1\n") }
    }
    let long = "a: &a \(String(repeating: "y", count: 30_000))\n"
    let many = Array(repeating: "*a", count: 20).joined(separator: ", ")
    #expect(throws: BoundedYAML.Fault.tooLarge) { try BoundedYAML.compose("\(long)b: [\(many)]\n") }
  }

  @Test func `A text nests so deeply and no deeper`() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(throws: Never.self) { try BoundedYAML.compose(nested(24)) }
    for depth in [25, 900] {
      #expect(throws: BoundedYAML.Fault.tooDeep) { try BoundedYAML.compose(nested(depth)) }
    }
    #expect(throws: BoundedYAML.Fault.tooDeep) {
      try BoundedYAML.compose("a: &a \(nested(20))\nb: [[[[[*a]]]]]\n")
    }
  }

  @Test(arguments: ["? [a]\n: 1\n", "{{a}: 1}", "a: &a [1]\n*a : 2\n", "[[a]: 1]"])
  func `A key is one word`(_ text: String) {
    #expect(throws: BoundedYAML.Fault.compoundKey) { try BoundedYAML.compose(text) }
  }

  @Test(arguments: ["a: *b", "a: &a *a", "{a: 1, a: 2}", "a\n---\nb", "\t", "[", "'"])
  func `What isn't one document is told in the parser's words`(_ text: String) {
    do throws(BoundedYAML.Fault) {
      _ = try BoundedYAML.compose(text)
      Issue.record("\(text) was read")
    } catch {
      guard case .malformed(let reason) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(!reason.isEmpty && !reason.contains("\u{F8FE}"))
    }
  }
}
