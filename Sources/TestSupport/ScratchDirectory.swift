import Foundation
package import Testing

/// Gives a test an empty directory of its own, removed when the test has ended.
///
/// `@Test(.scratchDirectory) func …() { let path = ScratchDirectory.path }`
package struct ScratchDirectory: TestTrait, SuiteTrait, TestScoping {
  @TaskLocal private static var current: String?

  package let isRecursive = true

  /// The directory of the test that runs.
  package static var path: String {
    guard let current else {
      preconditionFailure("a test that writes files needs the trait `.scratchDirectory`")
    }
    return current
  }

  package func provideScope(
    for test: Test,
    testCase: Test.Case?,
    performing function: @concurrent @Sendable () async throws -> Void
  ) async throws {
    // A suite has no files of its own, only its tests do.
    guard testCase != nil else { return try await function() }
    try await withScratchDirectory { path in
      try await Self.$current.withValue(path) { try await function() }
    }
  }
}

extension Trait where Self == ScratchDirectory {
  /// A directory for each test; see ``ScratchDirectory``.
  package static var scratchDirectory: Self { ScratchDirectory() }
}

/// Runs `body` with an empty directory that is removed afterwards.
///
/// Its path is short, since that of a socket in it must be.
package func withScratchDirectory<Value>(
  _ body: (String) async throws -> Value
) async throws -> Value {
  let name = "rehome-\(UUID().uuidString.prefix(13).lowercased())"
  let path = FileManager.default.temporaryDirectory.appending(path: name)
    .path(percentEncoded: false)
  try FileManager.default.createDirectory(
    atPath: path,
    withIntermediateDirectories: true,
    attributes: [.posixPermissions: 0o700]
  )
  let outcome: Result<Value, any Error>
  do {
    outcome = .success(try await body(path))
  } catch {
    outcome = .failure(error)
  }
  try FileManager.default.removeItem(atPath: path)
  return try outcome.get()
}
