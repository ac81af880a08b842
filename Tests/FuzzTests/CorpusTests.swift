import Foundation
import Testing

/// What fuzzing found once, and what it starts from, is read by every run of the tests; `make fuzz`
/// looks for more.
@Suite(.serialized) struct CorpusTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fuzz/corpus")

  /// No file takes longer, in a debug build on a busy machine.
  private static let longest = Duration.seconds(20)
  /// Nor makes the process this much larger, in bytes.
  private static let largest = 192 << 20

  private static func files(of format: Format) throws -> [URL] {
    let place = folder.appending(path: format.rawValue)
    return try FileManager.default.contentsOfDirectory(
      at: place,
      includingPropertiesForKeys: nil
    )
  }

  @Test(arguments: Format.allCases)
  func `hostile bytes of every format are read or refused, in bounded time and memory`(
    _ format: Format
  ) async throws {
    let files = try Self.files(of: format)
    #expect(files.count > 3)
    for file in files {
      let bytes = [UInt8](try Data(contentsOf: file))
      let before = try Self.peak()
      let time = await ContinuousClock().measure { await format.check(bytes) }
      #expect(time < Self.longest, "\(file.lastPathComponent)")
      #expect(try Self.peak() - before < Self.largest, "\(file.lastPathComponent)")
    }
  }

  @Test func `the corpus stays small, and every folder of it is a format`() throws {
    let place = Self.folder.path(percentEncoded: false)
    let names = try FileManager.default.contentsOfDirectory(atPath: place)
    #expect(names.sorted() == Format.allCases.map(\.rawValue).sorted())
    let sizes = try Format.allCases.flatMap(Self.files).map {
      try $0.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
    }
    #expect(sizes.reduce(0, +) <= 200_000)
  }

  /// The most memory that this process has had.
  private static func peak() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    let kilobytes = try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first)
    return try #require(Int(kilobytes)) << 10
  }
}
