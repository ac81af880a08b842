import Foundation
import Monitoring
import Testing

/// The log on its way to somebody who reads it, or doesn't.
@Suite struct LineQueueTests {
  @Test func `who logs doesn't wait for a reader that has stopped, and dropped lines are told of`()
    async throws
  {
    let pipe = Pipe()
    let queue = LineQueue(
      descriptor: pipe.fileHandleForWriting.fileDescriptor,
      limit: 100_000
    )
    let count = 10_000
    // Ten times what the pipe and the queue hold together.
    let begin = ContinuousClock.now
    for number in 0..<count { queue.add(line(number), .json) }
    #expect(ContinuousClock.now - begin < .seconds(10))

    let reader = pipe.fileHandleForReading
    var (kept, dropped, rest): ([String], Int, String) = ([], 0, "")
    while kept.count + dropped < count {
      rest += String(decoding: reader.availableData, as: UTF8.self)
      while let end = rest.firstIndex(of: "\n") {
        let line = String(rest[...end])
        rest.removeSubrange(...end)
        // Told of once, or twice where the writer began when the queue was full already.
        if let told = try Self.dropped(line) { dropped += told } else { kept.append(line) }
      }
    }
    #expect(dropped > 0)
    #expect(kept.count + dropped == count)
    // What was written is what was said, whole and in order.
    let numbers = kept.compactMap { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } }
    #expect(numbers == numbers.sorted())
    #expect(kept == numbers.map(line))
    #expect(kept.count * 100 >= 100_000)

    queue.add(line(7), .json)
    queue.finish(within: .seconds(10))
    #expect(String(decoding: reader.availableData, as: UTF8.self) == line(7))
  }

  /// How many lines a line says were dropped; nil: it is one like others.
  private static func dropped(_ line: String) throws -> Int? {
    guard line.hasPrefix("{") else { return nil }
    let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
    let told = try #require(object as? [String: String])
    #expect(told["level"] == "warning")
    return told["count"].flatMap { Int($0) }
  }

  @Test func `an end doesn't wait for a reader that has stopped`() {
    let pipe = Pipe()
    let queue = LineQueue(descriptor: pipe.fileHandleForWriting.fileDescriptor)
    for number in 0..<2000 { queue.add(line(number), .text) }
    let begin = ContinuousClock.now
    queue.finish(within: .milliseconds(100))
    #expect(ContinuousClock.now - begin < .seconds(10))
    // What it didn't wait for still comes.
    var text = ""
    while !text.hasSuffix(line(1999)) {
      text += String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self)
    }
  }

  /// A line of a hundred bytes.
  private func line(_ number: Int) -> String {
    let name = "line \(number) "
    return name + String(repeating: "x", count: 99 - name.utf8.count) + "\n"
  }
}
