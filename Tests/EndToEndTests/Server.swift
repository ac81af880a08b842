import Foundation
import Glibc
import Synchronization
import TestSupport

/// A `rehome serve` of a test's own, which may die and be started again.
///
/// A shell holds it for as long as this process lives: when the test ends, in whatever way, so does
/// the server.
final class Server: Sendable {
  /// The program with the server's configuration.
  let program: Program
  /// The scratch folder.
  let folder: String
  private let state = Mutex(State())

  private struct State {
    var count = 0
    var running: Running?
  }

  private struct Running {
    let process: Process
    let input: FileHandle
  }

  /// The exit code of a process that SIGKILL ended, as shells tell it.
  static let killed: Int32 = 128 + SIGKILL

  var dataPath: String { "\(folder)/data" }

  private init(folder: String, libvirtURI: String, variables: [String: String]) {
    self.folder = folder
    let own = [
      "REHOME_DATA_PATH": "\(folder)/data", "REHOME_LIBVIRT_URI": libvirtURI,
      "REHOME_API_PORT": "0", "REHOME_DATASTORE_SYNC": "none",
      // Tests ask more often than any client would.
      "REHOME_LIMITS_READ_RATE": "1000000", "REHOME_LIMITS_READ_BURST": "1000000",
    ]
    program = Program(variables: own.merging(variables) { $1 })
  }

  /// Runs `body` with a server that isn't started yet, and ends it.
  static func with<Value>(
    below parent: String,
    libvirtURI: String,
    variables: [String: String] = [:],
    _ body: (Server) async throws -> Value
  ) async throws -> Value {
    let folder = "\(parent)/s-\(UUID().uuidString.prefix(6).lowercased())"
    let manager = FileManager.default
    // QEMU, another user, reads seeds in there and makes its sockets there.
    try manager.createDirectory(
      atPath: "\(folder)/data",
      withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o755]
    )
    let server = Server(folder: folder, libvirtURI: libvirtURI, variables: variables)
    let outcome: Result<Value, any Error>
    do { outcome = .success(try await body(server)) } catch { outcome = .failure(error) }
    try await server.kill()
    try manager.removeItem(atPath: folder)
    return try outcome.get()
  }

  // MARK: - Life

  /// Starts it, to die at a moment if one is named, and waits until it answers `path` with 200.
  func start(killedAt moment: String? = nil, until path: String = "/readyz") async throws {
    try await kill()
    try launch(with: moment.map { ["REHOME_TEST_KILL_AT": $0] } ?? [:])
    try await poll("the server is ready", within: .seconds(60)) {
      if let status = self.exitCode() {
        throw Unexpected(what: "rehome serve: \(status)", found: self.log())
      }
      guard let base = self.base() else { return nil as Bool? }
      return (try? await Asking(base: base).get(path).status) == 200 ? true : nil
    }
  }

  /// Starts it and waits until it listens, whoever may then ask.
  func listen() async throws {
    try await kill()
    try launch(with: [:])
    try await poll("the server listens", within: .seconds(60)) {
      if let status = self.exitCode() {
        throw Unexpected(what: "rehome serve: \(status)", found: self.log())
      }
      return self.base()
    }
  }

  /// Where it listens, once it does.
  func base() -> String? {
    guard let text = log().firstMatch(of: /port=([0-9]+) .*api listens/) else { return nil }
    return "http://127.0.0.1:\(text.output.1)"
  }

  /// Waits until it has ended by itself, and tells its exit code.
  func waitForEnd() async throws -> Int32 {
    let status = try await poll("the server ends") { self.exitCode() }
    try await release()
    return status
  }

  /// Asks it to end, and tells its exit code.
  func stop() async throws -> Int32 {
    try await signal(SIGTERM)
    return try await waitForEnd()
  }

  /// Ends it at once, as a crash would, if it runs.
  func kill() async throws {
    guard state.withLock({ $0.running != nil }) else { return }
    // The end of its input tells the shell to kill it.
    state.withLock { try? $0.running?.input.close() }
    _ = try await waitForEnd()
  }

  /// What it has logged since its last start.
  func log() -> String {
    let data = FileManager.default.contents(atPath: path("log"))
    return String(decoding: data ?? Data(), as: UTF8.self)
  }

  /// Sends it a signal.
  func signal(_ number: Int32) async throws {
    let id = try await poll("the server's id") {
      (try? String(contentsOfFile: self.path("id"), encoding: .utf8))
        .flatMap { Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
    // One that has ended meanwhile is told by its exit code.
    _ = Glibc.kill(id, number)
  }

  private func release() async throws {
    let running = state.withLock { state in
      defer { state.running = nil }
      return state.running?.input
    }
    try? running?.close()
  }

  private func exitCode() -> Int32? {
    (try? String(contentsOfFile: path("exit"), encoding: .utf8))
      .flatMap { Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }

  private func path(_ name: String) -> String {
    "\(folder)/\(state.withLock { $0.count }).\(name)"
  }

  /// The shell that holds the server, and writes down how it ended.
  private static let shell = #"""
    base=$1; shift
    exec 3<&0 </dev/null
    "$@" 3<&- >"$base.log" 2>&1 &
    server=$!
    echo "$server" >"$base.id"
    { cat <&3 >/dev/null; kill -KILL "$server"; } &
    guard=$!
    wait "$server"
    status=$?
    kill "$guard"
    echo "$status" >"$base.exit.part" && mv "$base.exit.part" "$base.exit"
    """#

  private func launch(with more: [String: String]) throws {
    try state.withLock { state in
      state.count += 1
      let process = Process()
      process.executableURL = URL(filePath: "/bin/sh")
      process.arguments =
        ["-c", Self.shell, "sh", "\(folder)/\(state.count)"]
        + program.commandLine(["serve"], with: more)
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      let input = try TestProcess.begin {
        let input = Pipe()
        process.standardInput = input
        try withNoSignalBlocked { try process.run() }
        return input
      }
      state.running = Running(
        process: process,
        input: input.fileHandleForWriting
      )
    }
  }
}

/// Runs `body` while its thread blocks no signal: a process takes over what the thread that starts
/// it blocks, and Swift's own threads block nearly all.
private func withNoSignalBlocked<Value>(_ body: () throws -> Value) rethrows -> Value {
  var none = sigset_t()
  var former = sigset_t()
  unsafe sigemptyset(&none)
  unsafe pthread_sigmask(SIG_SETMASK, &none, &former)
  defer { unsafe pthread_sigmask(SIG_SETMASK, &former, nil) }
  return try body()
}
