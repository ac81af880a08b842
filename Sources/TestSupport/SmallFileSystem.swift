import Foundation

/// A file system of a few megabytes in memory.
package enum SmallFileSystem {
  /// Whether this process may mount one.
  package static var isAvailable: Bool {
    get async {
      let result: Void? = try? await withScratchDirectory { path in
        try await with(at: path, megabytes: 1) {}
      }
      return result != nil
    }
  }

  /// It can't be mounted.
  package struct Failure: Error {}

  /// Runs `body` with a file system of this size at `path`, which is unmounted afterwards.
  package static func with(
    at path: String,
    megabytes: Int,
    _ body: () async throws -> Void
  ) async throws {
    guard run("mount", "-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", path) else {
      throw Failure()
    }
    defer { _ = run("umount", "-l", path) }
    try await body()
  }

  /// Fills the file system of a folder with a file of this name, to the last byte.
  package static func fill(_ folder: String, with name: String) throws {
    let path = "\(folder)/\(name)"
    try Data().write(to: URL(filePath: path))
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    defer { try? file.close() }
    var count = 1 << 20
    while count > 0 {
      do {
        try file.write(contentsOf: Data(repeating: 1, count: count))
      } catch {
        count /= 2
      }
    }
  }

  private static func run(_ arguments: String...) -> Bool {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    guard (try? TestProcess.begin { try process.run() }) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
