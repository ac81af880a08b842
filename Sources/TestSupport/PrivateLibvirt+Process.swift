import Disks
import Foundation

/// Runs programs for tests.
package enum TestProcess {
  /// A program that did not end with 0.
  package struct Failure: Error, CustomStringConvertible {
    /// What was run.
    package let command: String
    /// What it printed.
    package let output: String

    /// Both, for a test's report.
    package var description: String { "\(command) failed: \(output)" }
  }

  static let executor = BlockingExecutor(label: "test.processes", width: 8)

  private static let turn = NSLock()

  /// Makes a process's pipes and starts it, while no other is being started here.
  ///
  /// What Foundation opens for a process, its pipes and the socket that tells of its end, isn't closed
  /// on exec: another that is begun meanwhile would inherit it, and who waits for the end of the one
  /// would wait for the end of both.
  package static func begin<Value>(_ start: () throws -> Value) rethrows -> Value {
    try turn.withLock(start)
  }

  /// The path of one of the project's own scripts for tests.
  static func script(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Scripts/testbed/\(name)").standardizedFileURL.path
  }

  /// Runs a program that is found by PATH and returns what it printed.
  ///
  /// - Throws: ``Failure`` with its output if it ends with anything but 0.
  @discardableResult
  package static func run(_ program: String, _ arguments: [String]) async throws -> String {
    try await executor.run { () throws(Failure) -> String in
      let command = ([program] + arguments).joined(separator: " ")
      let process = Process()
      // A file, not a pipe: Foundation ends the whole process when a signal, such as that of a
      // child's end, interrupts it in reading from a pipe.
      let path = NSTemporaryDirectory() + "/rehome-output-" + UUID().uuidString
      let isMade = FileManager.default.createFile(atPath: path, contents: nil)
      defer { try? FileManager.default.removeItem(atPath: path) }
      guard isMade, let output = FileHandle(forWritingAtPath: path) else {
        throw Failure(command: command, output: "\(path) can't be written")
      }
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = [program] + arguments
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = output
      process.standardError = output
      do { try begin { try process.run() } } catch {
        throw Failure(command: command, output: "\(error)")
      }
      process.waitUntilExit()
      let text = String(
        decoding: FileManager.default.contents(atPath: path) ?? Data(),
        as: UTF8.self
      )
      guard process.terminationStatus == 0 else { throw Failure(command: command, output: text) }
      return text
    }
  }
}
