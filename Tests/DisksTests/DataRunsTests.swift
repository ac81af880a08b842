import Checksum
import TestSupport
import Testing

/// Data is told from zeros by blocks, and short runs of zeros count as data.
struct DataRunsTests {
  private static let block = 4096

  /// Blocks of zeros (`.`) and of data.
  private static func runs(_ blocks: String, tail: Int = 0, gap: Int) -> [Range<Int>] {
    var bytes = blocks.utf8.flatMap { letter in
      [UInt8](repeating: letter == UInt8(ascii: ".") ? 0 : letter, count: block)
    }
    bytes += [UInt8](repeating: 1, count: tail)
    return bytes.withRawBytes { dataRuns($0, gap: gap * block, block: block) }
  }

  @Test(
    arguments: [
      ("", 1, []), ("....", 1, []), ("aaaa", 1, [0..<4]), ("..aa", 1, [2..<4]),
      ("a..b", 1, [0..<1, 3..<4]), ("a..b", 2, [0..<1, 3..<4]), ("a..b", 3, [0..<4]),
      (".a..b...", 2, [0..<2, 4..<5]), ("....a.", 2, [4..<6]), ("...", 5, []), (".a", 9, [0..<2]),
    ] as [(String, Int, [Range<Int>])]
  )
  func `zeros that are shorter than a gap belong to the data beside them`(
    _ blocks: String,
    _ gap: Int,
    _ expected: [Range<Int>]
  ) {
    let found = Self.runs(blocks, gap: gap)
    #expect(
      found == expected.map { $0.lowerBound * Self.block..<$0.upperBound * Self.block }
    )
  }

  @Test func `an odd end is a block of its own`() {
    #expect(Self.runs("..", tail: 100, gap: 1) == [2 * Self.block..<2 * Self.block + 100])
  }

  @Test(arguments: 1...40)
  func `whatever is no run is zero, and runs are apart`(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let count = Int.random(in: 1...60_000, using: &random)
    var bytes = [UInt8](repeating: 0, count: count)
    for _ in 0..<Int.random(in: 0...6, using: &random) {
      bytes[Int.random(in: 0..<count, using: &random)] = 7
    }
    let gap = [4096, 8192, 16_384].randomElement(using: &random) ?? 4096
    let runs = bytes.withRawBytes { dataRuns($0, gap: gap) }
    var rest = bytes
    for run in runs {
      for place in run { rest[place] = 0 }
      #expect(run.lowerBound % 4096 == 0)
      #expect(run.upperBound % 4096 == 0 || run.upperBound == count)
    }
    #expect(rest.allSatisfy { $0 == 0 })
    for (run, next) in zip(runs, runs.dropFirst()) {
      #expect(next.lowerBound - run.upperBound >= gap)
    }
  }
}
