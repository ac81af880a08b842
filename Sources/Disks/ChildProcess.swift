import CLinux
import Dispatch
import Glibc
import Synchronization

/// A program that runs beside us for long and that the kernel kills when we end, however we end.
///
/// Its output and errors are kept in memory, to be told when it fails.
@safe
package final class ChildProcess: Sendable {
  /// The process's id.
  package let id: Int32
  private let name: String
  private let handle: Descriptor
  private let output: Descriptor
  /// The wait status, once the process has been waited for.
  private let ended = Mutex<Int32?>(nil)

  /// How many bytes of what it wrote are kept in an error.
  private static let longestMessage = 4096

  /// Starts the program at `path`, or of that name in the usual folders, with a plain environment.
  package static func start(
    _ path: String,
    _ arguments: [String]
  ) async throws(DiskError) -> ChildProcess {
    let program = try locate(path)
    return try await SpawnThread.shared.run { () throws(DiskError) in
      try ChildProcess(program, arguments)
    }
  }

  /// Runs on the spawning thread only: the kernel ties the child's life to it.
  private init(_ program: String, _ arguments: [String]) throws(DiskError) {
    name = program.fileName
    let memory = unsafe rehome_memfd("output")
    guard memory >= 0 else { throw DiskError.last("memfd_create", program) }
    let output = Descriptor(taking: memory, path: program)
    let id = unsafe Self.withCStrings([program] + arguments) { arguments in
      unsafe Self.withCStrings(["PATH=\(Self.folders.joined(separator: ":"))", "LC_ALL=C"]) {
        unsafe rehome_spawn(program, arguments, $0, memory)
      }
    }
    guard id > 0 else { throw DiskError.last("spawn", program) }
    let pidfd = rehome_pidfd(id)
    guard pidfd >= 0 else {
      let error = DiskError.last("pidfd_open", program)
      kill(id, SIGKILL)
      waitpid(id, nil, 0)
      throw error
    }
    self.id = id
    self.output = output
    handle = Descriptor(taking: pidfd, path: program)
  }

  deinit {
    guard ended.withLock({ $0 == nil }) else { return }
    kill(id, SIGKILL)
    // Someone has to collect it, and a deinit must not wait.
    DispatchQueue(label: "rehome.disks.reap").async { [id] in _ = waitpid(id, nil, 0) }
  }

  /// Whether it has ended, waiting for that at most `milliseconds`; blocks.
  func hasEnded(within milliseconds: Int32) -> Bool {
    ended.withLock { ended in
      guard ended == nil else { return true }
      var request = pollfd(fd: handle.number, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&request, 1, milliseconds) > 0 else { return false }
      var status: Int32 = 0
      guard unsafe waitpid(id, &status, WNOHANG) == id else { return false }
      ended = status
      return true
    }
  }

  /// Asks it to end, makes it end after `milliseconds`, and says whether it ended well; blocks.
  ///
  /// - Throws: `tool` with what it wrote when it ended with an error or had to be killed.
  func stop(within milliseconds: Int32) throws(DiskError) {
    rehome_pidfd_signal(handle.number, SIGTERM)
    guard hasEnded(within: milliseconds) else {
      rehome_pidfd_signal(handle.number, SIGKILL)
      _ = hasEnded(within: milliseconds)
      throw failure("did not end when asked to")
    }
    guard ended.withLock({ $0 == 0 }) else { throw failure("ended with an error") }
  }

  /// Runs `body`, and ends the process at once if that takes longer than `limit`.
  ///
  /// For calls that wait for the process and can't be interrupted in another way.
  package func withDeadline<Value: Sendable>(
    _ limit: Duration,
    _ body: @escaping @Sendable () async throws(DiskError) -> Value
  ) async throws(DiskError) -> Value {
    let (result, isOverdue) = await withTaskGroup(of: Outcome<Value>.self) { group in
      group.addTask {
        do throws(DiskError) {
          return .body(.success(try await body()))
        } catch {
          return .body(.failure(error))
        }
      }
      group.addTask { [self] in
        // Cancelled as soon as the body is done.
        guard (try? await ContinuousClock().sleep(for: limit)) != nil else {
          return .deadline(isOverdue: false)
        }
        rehome_pidfd_signal(handle.number, SIGKILL)
        return .deadline(isOverdue: true)
      }
      var result: Result<Value, DiskError>?
      var isOverdue = false
      for await outcome in group {
        switch outcome {
        case .body(let value):
          result = value
          group.cancelAll()
        case .deadline(let value): isOverdue = value
        }
      }
      return (result, isOverdue)
    }
    guard let result, !isOverdue else { throw failure("took too long and was ended") }
    return try result.get()
  }

  /// What a call and its deadline came to.
  private enum Outcome<Value: Sendable>: Sendable {
    case body(Result<Value, DiskError>)
    case deadline(isOverdue: Bool)
  }

  /// Waits until it ends by itself, or ends it when the time is over or the task is cancelled.
  ///
  /// - Returns: What it ended with; nil if it was ended, or died of a signal.
  package func exitCode(within limit: Duration) async -> Int32? {
    let end = ContinuousClock.now + limit
    while !Task.isCancelled, ContinuousClock.now < end {
      // Its thread is lent for a moment each, as others wait for servers, too.
      guard await BlockingExecutor.servers.run({ [self] in hasEnded(within: 50) }) else { continue }
      let status = ended.withLock(\.self) ?? SIGKILL
      return status & 0x7f == 0 ? status >> 8 & 0xff : nil
    }
    rehome_pidfd_signal(handle.number, SIGKILL)
    _ = await BlockingExecutor.servers.run { [self] in hasEnded(within: 1000) }
    return nil
  }

  /// The error of a server that has ended while it was needed.
  var death: DiskError { .serverEnded(name: name, message: message(of: "ended while serving")) }

  /// An error that tells what the program wrote.
  func failure(_ what: String) -> DiskError { .tool(name: name, message: message(of: what)) }

  private func message(of what: String) -> String {
    var bytes = [UInt8](repeating: 0, count: Self.longestMessage)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(output.number, $0.baseAddress, $0.count, 0)
    }
    let written = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    let end = ended.withLock { $0.map { " (wait status \($0))" } ?? "" }
    return "\(what)\(end)\(written.isEmpty ? "" : ": ")\(written)"
  }

  // MARK: - Finding and calling programs

  /// Where programs are looked for; the environment has no say in what runs as root.
  static let folders = [
    "/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin",
  ]

  /// The path of the program called `name`.
  static func locate(_ name: String) throws(DiskError) -> String {
    guard !name.hasPrefix("/") else { return name }
    for folder in folders {
      let path = "\(folder)/\(name)"
      if unsafe Glibc.access(path, X_OK) == 0 { return path }
    }
    throw DiskError.notFound(path: name)
  }

  @unsafe
  private static func withCStrings<R>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
  ) -> R {
    var pointers = unsafe strings.map { unsafe strdup($0) }
    unsafe pointers.append(nil)
    defer { for index in unsafe pointers.indices { unsafe free(pointers[index]) } }
    return unsafe pointers.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else {
        preconditionFailure("the list ends with a nil, so it isn't empty")
      }
      return unsafe body(base)
    }
  }
}
