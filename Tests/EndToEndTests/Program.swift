import Foundation
import TestSupport

/// The program as it was built, with the configuration that its environment gives it.
struct Program: Sendable {
  /// What a call of it came to.
  struct Outcome: Sendable {
    let status: Int32
    let output: String
    let errors: String

    /// Reads what it wrote to standard output.
    func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
      guard status == 0 else {
        throw Unexpected(what: "rehome: exit code \(status)", found: errors)
      }
      do {
        return try JSONDecoder().decode(type, from: Data(output.utf8))
      } catch {
        throw Unexpected(what: "rehome printed no \(type): \(error)", found: output + errors)
      }
    }
  }

  /// Where the build has put it: beside the tests.
  static let path = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    .deletingLastPathComponent().appending(path: "rehome").path(percentEncoded: false)

  /// A command that hangs must not hang the tests.
  private static let seconds = "120"

  let variables: [String: String]

  /// The program and its environment as a command line that `env` understands.
  func commandLine(
    _ arguments: [String],
    with more: [String: String] = [:]
  ) -> [String] {
    let all = variables.merging(more) { $1 }
    let bare = ["-u", "REHOME_CONFIG", "-u", "REHOME_TEST_KILL_AT"]
    return ["env"] + bare + all.map { "\($0)=\($1)" } + [Self.path] + arguments
  }

  /// Runs a command to its end.
  func run(_ arguments: String...) async throws -> Outcome {
    try await run(arguments)
  }

  /// Runs a command to its end.
  func run(_ arguments: [String]) async throws -> Outcome {
    try await withScratchDirectory { folder in
      let errors = "\(folder)/errors"
      let script = #"errors=$1; shift; "$@" 2>"$errors"; printf '\n%s' "$?""#
      let text = try await TestProcess.run(
        "sh",
        ["-c", script, "sh", errors, "timeout", Self.seconds] + commandLine(arguments)
      )
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      return Outcome(
        status: lines.last.flatMap { Int32($0) } ?? -1,
        output: lines.dropLast().joined(separator: "\n"),
        errors: try String(contentsOfFile: errors, encoding: .utf8)
      )
    }
  }
}
