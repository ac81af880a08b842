import API
import Foundation
import Model
import Testing

/// The closed list of codes: what is answered, documented and explained is one list.
@Suite struct ErrorCatalogTests {
  /// Every refusal that answers with a code of its own.
  static let refusals: [Refusal] = [
    .unauthorized, .forbidden(required: [.readVM]), .notFound, .invalidRequest([]), .invalidCursor,
    .methodNotAllowed(allow: ["GET"]), .requestTimeout, .payloadTooLarge(limitBytes: 1),
    .unsupportedMediaType, .rateLimited(retryAfterSeconds: 1), .vpsNotReady(.snapshots, jobID: nil),
    .backupInUse, .backupQuotaExceeded(used: 1, limit: 1), .idempotencyKeyReused,
    .jobNotCancellable, .undoExpired, .serviceUnavailable(retryAfterSeconds: 1), .internalError,
  ]

  @Test func `Every code is answered or stands in failed jobs`() {
    let answered = Set(Self.refusals.map(\.errorCode))
    let failed = Set(JobFailureCode.allCases.map(\.errorCode))
    #expect(answered.union(failed) == Set(ErrorCode.allCases))
    #expect(answered == Set(ErrorCode.allCases.filter { $0.status != nil }))
    for code in JobFailureCode.allCases { #expect(code.errorCode.rawValue == code.rawValue) }
  }

  private static func page() throws -> String {
    try String(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources/API/API.docc/Errors.md"),
      encoding: .utf8
    )
  }

  /// The words in backticks of the paragraph that begins so.
  private static func words(after start: String) throws -> Set<String> {
    let page = try page()
    let paragraph = try #require(page.firstRange(of: start)).upperBound
    let end = page[paragraph...].firstRange(of: "\n\n")?.lowerBound ?? page.endIndex
    return Set(page[paragraph..<end].matches(of: /`([a-z_]+)`/).map { String($0.output.1) })
  }

  @Test func `The page has every reason and every word for a fault, and no other`() throws {
    let reasons = try Self.words(after: "which is also the `code` of a closed gate:")
    #expect(reasons == Set(NotReadyReason.allCases.map(\.rawValue)))
    let faults = try Self.words(after: "`errors[].code`, what is wrong")
    #expect(faults == Set(FaultCode.allCases.map(\.rawValue)))
  }

  /// The page's rows: code, status or a dash, title.
  private static func documented() throws -> [[String]] {
    try page().matches(of: /\n\| `([a-z_]+)` \| ([^|]+) \| ([^|]+) \|/).map {
      [String($0.output.1), String($0.output.2), String($0.output.3)]
    }
  }

  @Test func `The page of errors has every code, its status and its title`() throws {
    let expected = ErrorCode.allCases.map { code in
      let status = code.status.map(String.init) ?? "–"
      return [
        code.rawValue, code == .invalidRequest ? "\(status), 431" : status, code.title,
      ]
    }
    #expect(try Self.documented() == expected)
  }

  @Test(arguments: ErrorCode.allCases) func `Every code has a page that explains it`(
    _ code: ErrorCode
  ) async throws {
    try await World.with(typeBase: "https://errors.example/<x>") { _, client in
      let answer = try await Question("GET", "/errors/\(code.rawValue)").ask(client)
      #expect(answer.status == 200)
      #expect(answer.header("Content-Type") == "text/html; charset=utf-8")
      for words in [code.title, code.rawValue, code.status.map(String.init) ?? "failed job"] {
        #expect(answer.text.contains(words))
      }
      #expect(answer.text.contains("https://errors.example/&lt;x&gt;/\(code.rawValue)"))
      // Nothing is fetched from anywhere, nothing runs.
      #expect(!answer.text.contains("src=") && !answer.text.contains("<script"))
      let policy = try #require(answer.header("Content-Security-Policy"))
      #expect(policy.contains("default-src 'none'"))
    }
  }

  @Test(arguments: ["nonsense", "..", "not_found%00", "Not_Found"])
  func `An unknown code is a problem`(_ code: String) async throws {
    try await World.with { _, client in
      let answer = try await Question("GET", "/errors/\(code)").ask(client)
      #expect(answer.status == 404)
      #expect(answer.code == "not_found")
    }
  }
}
