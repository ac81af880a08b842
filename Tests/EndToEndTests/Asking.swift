import Foundation
import TestSupport

/// The HTTP door, asked with curl.
struct Asking: Sendable {
  /// What it answered.
  struct Answer: Sendable {
    let status: Int
    let text: String

    func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
      do {
        return try JSONDecoder().decode(type, from: Data(text.utf8))
      } catch {
        throw Unexpected(what: "\(status), and no \(type): \(error)", found: text)
      }
    }
  }

  let base: String
  var key: String?

  /// Asks for something.
  func get(_ path: String) async throws -> Answer {
    try await curl([], path)
  }

  /// Sends a JSON body, with the headers that the contract names.
  func post(_ path: String, _ body: String) async throws -> Answer {
    try await curl(["-X", "POST", "-H", "Content-Type: application/json", "-d", body], path)
  }

  private func curl(_ arguments: [String], _ path: String) async throws -> Answer {
    let authorization = key.map { ["-H", "Authorization: Bearer \($0)"] } ?? []
    let text = try await TestProcess.run(
      "curl",
      ["-sS", "--max-time", "30", "-w", "\n%{http_code}", "-H", "Accept: application/json"]
        + authorization + arguments + [base + path]
    )
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return Answer(
      status: lines.last.flatMap { Int($0) } ?? 0,
      text: lines.dropLast().joined(separator: "\n")
    )
  }
}
