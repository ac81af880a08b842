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
    var text = ""
    while !text.contains("dropped") || !text.hasSuffix("\n") {
      text += String(decoding: reader.availableData, as: UTF8.self)
    }
    var lines = text.split(separator: "\n")
    let warning = try JSONSerialization.jsonObject(with: Data(lines.removeLast().utf8))
    let told = try #require(warning as? [String: String])
    #expect(told["level"] == "warning")
    // What was written is what was said first, whole and in order.
    #expect(lines.map { "\($0)\n" } == (0..<lines.count).map(line))
    #expect(told["count"] == "\(count - lines.count)")
    #expect(lines.count * 100 >= 100_000)

    queue.add(line(7), .json)
    queue.finish(within: .seconds(10))
    #expect(String(decoding: reader.availableData, as: UTF8.self) == line(7))
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
