import Foundation
import Logging
import Model
import Monitoring
import Synchronization
import TestSupport
import Testing

/// What a line of the log looks like, whatever is in it.
@Suite struct LogTests {
  /// Takes lines down.
  final class Pad: Sendable {
    private let taken = Mutex<[String]>([])

    var lines: [String] { taken.withLock { $0 } }

    func logger(_ format: LogFormat) -> Logger {
      Logger(label: "rehome") { label in
        LineLogHandler(label: label, format: format, clock: ManualClock()) { line, _ in
          self.taken.withLock { $0.append(line) }
        }
      }
    }
  }

  private func object(_ line: String) throws -> [String: Any] {
    let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
    return try #require(value as? [String: Any])
  }

  @Test func `a line for programs is one object with everything by name`() throws {
    let pad = Pad()
    var logger = pad.logger(.json)
    logger[metadataKey: "node"] = "local"
    logger.info(
      "job ended",
      metadata: ["job": ["kind": "backup", "try": "2"], "names": ["a", "b"], "message": "own"]
    )
    #expect(
      pad.lines == [
        #"{"time":"2026-04-27T12:34:56.000Z","level":"info","label":"rehome","#
          + #""message":"job ended","job.kind":"backup","job.try":"2","metadata.message":"own","#
          + #""names":["a","b"],"node":"local"}"# + "\n"
      ]
    )
  }

  @Test func `a line for people is one line`() {
    let pad = Pad()
    pad.logger(.text).warning(
      "two\nlines",
      metadata: ["plain": "x", "empty": "", "blank": "a b", "ctl": "a\u{1B}[31mb", "list": ["y"]]
    )
    #expect(
      pad.lines == [
        "2026-04-27T12:34:56.000Z warning rehome: blank=\"a b\" ctl=\"a\\u001b[31mb\" "
          + "empty=\"\" list=[y] plain=x two\\nlines\n"
      ]
    )
  }

  @Test(arguments: LogFormat.allCases)
  func `no character breaks a line`(_ format: LogFormat) throws {
    let pad = Pad()
    let logger = pad.logger(format)
    var scalars = (0..<0x3000 as Range<UInt32>).compactMap(Unicode.Scalar.init)
    scalars += ([0xFEFF, 0xFFFF, 0x1F600, 0x10FFFF] as [UInt32]).compactMap(Unicode.Scalar.init)
    let all = String(String.UnicodeScalarView(scalars))
    logger.error("\(all)", metadata: ["\(all)": "\(all)"])
    let line = try #require(pad.lines.first)
    #expect(line.filter(\.isNewline).count == 1 && line.hasSuffix("\n"))
    guard format == .json else { return }
    let read = try object(line)
    #expect(read["message"] as? String == all)
    #expect(read[all] as? String == all)
  }

  @Test func `what is written for a request or a job names it, child tasks as well`() async throws {
    let pad = Pad()
    let logger = pad.logger(.json)
    let identifiers = IdentifierFactory(clock: ManualClock())
    let request: RequestID = identifiers.make()
    let job: JobID = identifiers.make()
    await LogContext.$requestID.withValue(request) {
      await LogContext.$jobID.withValue(job) {
        await withDiscardingTaskGroup { group in group.addTask { logger.info("deep") } }
        // What a message says itself is believed.
        logger.info("own", metadata: ["job.id": "another"])
      }
    }
    logger.info("after")
    let read = try pad.lines.map(object)
    #expect(read.map { $0["request.id"] as? String } == [request.text, request.text, nil])
    #expect(read.map { $0["job.id"] as? String } == [job.text, "another", nil])
  }

  @Test func `a key never comes into the log, wherever it stands`() {
    var generator = SystemRandomNumberGenerator()
    let identifiers = IdentifierFactory(clock: ManualClock())
    for format in LogFormat.allCases {
      for _ in 0..<50 {
        let key = KeyText(id: identifiers.make(), using: &generator).secret.reveal()
        let pad = Pad()
        pad.logger(format).info(
          "asked \(key)",
          metadata: [
            "path": "/api/\(key)/x?key=\(key)&y", "\(key)": "z", "list": ["Bearer \(key)"],
            "cut": "\(key.dropLast(12))", "twice": "\(key)\(key)",
          ]
        )
        let line = pad.lines.joined()
        let secret = key.split(separator: "_", maxSplits: 2)[2]
        #expect(!line.contains(secret.prefix(6)), "\(line)")
        #expect(line.contains("rh_***"))
      }
    }
  }

  @Test(arguments: ["", "rh_", "rh_short", "harsh_words", "rh_01hxa3b4c5d6e7f8g9h0j1k2m3", "ph_x"])
  func `what is no key stays as it is`(_ text: String) {
    #expect(SecretScrubber.scrub(text) == text)
  }
}
