import Disks
import Foundation

/// Programs of the host, looked for and run.
enum HostProgram {
  /// What is looked for, and the Debian package that has it.
  static let needed = [
    (program: "qemu-img", package: "qemu-utils"),
    (program: "qemu-nbd", package: "qemu-utils"),
    (program: "xorriso", package: "xorriso"),
    (program: "ebtables", package: "ebtables"),
  ]

  /// Where a program is; nil when it isn't on the path.
  static func path(of program: String) -> String? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"
    return path.split(separator: ":").map { "\($0)/\(program)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Whether a program ran and said yes; its words go nowhere.
  static func succeeds(_ program: String, _ arguments: [String]) async -> Bool {
    guard let path = path(of: program) else { return false }
    return await BlockingExecutor(label: "rehome.doctor", width: 1).run {
      let process = Process()
      process.executableURL = URL(filePath: path)
      process.arguments = arguments
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      do {
        try process.run()
      } catch {
        return false
      }
      process.waitUntilExit()
      return process.terminationStatus == 0
    }
  }
}
