import CLinux
import Disks
import Foundation
import Glibc
import Testing

/// A new directory for the length of `body`.
func withScratch(_ body: (String) async throws -> Void) async throws {
  // Short, because the path of a socket is limited.
  var template = Array("/tmp/rd-XXXXXX".utf8CString)
  try #require(unsafe mkdtemp(&template) != nil)
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  let outcome: Result<Void, any Error>
  do {
    outcome = .success(try await body(path))
  } catch {
    outcome = .failure(error)
  }
  try FileManager.default.removeItem(atPath: path)
  try outcome.get()
}

/// A program run to its end.
struct Tool {
  let status: Int32
  let output: String

  /// Runs `name` and collects what it writes.
  static func run(_ name: String, _ arguments: String...) async throws -> Tool {
    try await run(name, arguments)
  }

  static func run(_ name: String, _ arguments: [String]) async throws -> Tool {
    try await BlockingExecutor(label: "tests.tool", width: 1).run {
      let process = Process()
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = [name] + arguments
      let pipe = Pipe()
      process.standardOutput = pipe
      process.standardError = pipe
      process.standardInput = FileHandle.nullDevice
      try process.run()
      let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      return Tool(
        status: process.terminationStatus,
        output: String(decoding: output, as: UTF8.self)
      )
    }
  }

  /// Runs `name`, which must succeed.
  @discardableResult
  static func succeed(_ name: String, _ arguments: String...) async throws -> String {
    let tool = try await run(name, arguments)
    try #require(tool.status == 0, "\(name) \(arguments): \(tool.output)")
    return tool.output
  }
}

/// A program that runs beside a test, and dies with it.
func withProcess(
  _ name: String,
  _ arguments: [String],
  _ body: (ChildProcess) async throws -> Void
) async throws {
  let process = try await ChildProcess.start(name, arguments)
  let outcome: Result<Void, any Error>
  do {
    outcome = .success(try await body(process))
  } catch {
    outcome = .failure(error)
  }
  kill(process.id, SIGKILL)
  try outcome.get()
}

/// Waits until `condition` holds, for what a real process does in its own time.
func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
  let clock = ContinuousClock()
  let end = clock.now + .seconds(20)
  while clock.now < end {
    if try await condition() { return }
    try await clock.sleep(for: .milliseconds(10))
  }
  Issue.record("waited in vain: \(what)")
}

/// Bytes that differ from place to place and are never zero.
func pattern(_ count: Int, seed: UInt8 = 1) -> [UInt8] {
  // A length that no block has, so that no two blocks are alike; in bulk, because tests aren't
  // optimised.
  let block = (0..<min(count, 65_521)).map {
    UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &+ Int(seed) &* 57) | 1
  }
  guard count > block.count else { return block }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count + block.count)
  while bytes.count < count { bytes += block }
  bytes.removeLast(bytes.count - count)
  return bytes
}

func write(_ bytes: [UInt8], to path: String) throws {
  try Data(bytes).write(to: URL(filePath: path))
}

func contents(_ path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(filePath: path)))
}

func exists(_ path: String) -> Bool {
  var status = stat()
  return unsafe lstat(path, &status) == 0
}

func mode(_ path: String) throws -> UInt32 {
  var status = stat()
  try #require(unsafe stat(path, &status) == 0)
  return status.st_mode & 0o7777
}

func inode(_ path: String) throws -> UInt64 {
  var status = stat()
  try #require(unsafe lstat(path, &status) == 0)
  return UInt64(status.st_ino)
}

/// Makes an empty qcow2 image.
func makeQcow2(_ path: String, size: String, options: String? = nil) async throws {
  let chosen = options.map { ["-o", $0] } ?? []
  let tool = try await Tool.run(
    "qemu-img",
    ["create", "-q", "-f", "qcow2"] + chosen + [path, size]
  )
  try #require(tool.status == 0, "\(tool.output)")
}

extension Stage {
  /// Makes it sound, however long that takes within a minute.
  func repair(like current: String, virtualSize: Int64) async throws(DiskError) -> Bool? {
    try await repair(like: current, virtualSize: virtualSize, within: .seconds(60))
  }
}

extension BlockDevice {
  /// Writes `bytes` at `offset` in one request.
  func put(_ bytes: [UInt8], at offset: Int64) async throws(DiskError) {
    let buffer = AlignedBuffer(capacity: max(bytes.count, 1))
    buffer.withMutableBytes(bytes.count) { span in
      for (index, byte) in bytes.enumerated() {
        span.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
      }
    }
    try await write(at: offset, from: buffer, count: bytes.count)
  }

  /// Reads `count` bytes at `offset` in one request.
  func get(_ count: Int, at offset: Int64) async throws(DiskError) -> [UInt8] {
    let buffer = AlignedBuffer(capacity: max(count, 1))
    try await read(at: offset, into: buffer, count: count)
    return buffer.withBytes(count) { span in
      unsafe span.withUnsafeBytes { unsafe Array($0) }
    }
  }
}

/// A small file system of its own, mounted for the length of `body`.
func withMount(
  _ scratch: String,
  _ arguments: [String],
  _ body: (String) async throws -> Void
) async throws {
  let point = "\(scratch)/mnt-\(UInt32.random(in: 0...UInt32.max))"
  try FileManager.default.createDirectory(atPath: point, withIntermediateDirectories: false)
  let mounted = try await Tool.run("mount", arguments + [point])
  guard mounted.status == 0 else { try Test.cancel("no mount here: \(mounted.output)") }
  let outcome: Result<Void, any Error>
  do {
    outcome = .success(try await body(point))
  } catch {
    outcome = .failure(error)
  }
  try await Tool.succeed("umount", point)
  try FileManager.default.removeItem(atPath: point)
  try outcome.get()
}
