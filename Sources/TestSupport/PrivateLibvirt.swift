import Disks
import Foundation
package import Hypervisor
import Logging
import Synchronization

/// A real libvirt of the tests' own: unprivileged, in a scratch folder, with its guests.
///
/// A guardian process holds it. When this process ends, in whatever way, the guardian stops
/// libvirt and its guests and removes the folder.
package final class PrivateLibvirt: Sendable {
  /// The path of the script that starts and stops one.
  package static let script = TestProcess.script("private-libvirt.sh")

  /// The user and group id that QEMU runs as: images must be open to it.
  package static let processOwner = 65534

  /// The scratch folder; images and sockets of tests may lie in it too.
  package let folder: String
  /// Where libvirt is reached.
  package let uri: String
  private let guardian: Mutex<Guardian?>

  private init(folder: String, uri: String, guardian: consuming Guardian) {
    self.folder = folder
    self.uri = uri
    self.guardian = Mutex(guardian)
  }

  /// Starts one, for as long as this process lives or until ``stop()``.
  ///
  /// One that is bridged is of the system's kind, with a bridge `br0` in a network of its own; see
  /// ``reaches(_:)``.
  package static func start(isBridged: Bool = false) async throws -> PrivateLibvirt {
    let letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    let suffix = String((0..<6).compactMap { _ in letters.randomElement() })
    // Short, because sockets lie deep in it and their paths are limited.
    let folder = FileManager.default.temporaryDirectory.appending(path: "rh-\(suffix)").path
    return try await TestProcess.executor.run { () throws(TestProcess.Failure) in
      let guardian = try Guardian(script: script, folder: folder, isBridged: isBridged)
      return PrivateLibvirt(folder: folder, uri: guardian.uri, guardian: guardian)
    }
  }

  /// The one that all tests of this process share; it ends with the process.
  package static func shared() async throws -> PrivateLibvirt {
    try await SharedLibvirt.instance.get()
  }

  /// Stops libvirt and its guests and removes the folder.
  package func stop() async {
    await TestProcess.executor.run {
      let guardian = self.guardian.withLock { guardian in
        defer { guardian = nil }
        return guardian
      }
      guardian?.end()
    }
  }

  /// Makes a hypervisor on it, with a connection of its own.
  package func hypervisor() -> LibvirtHypervisor {
    LibvirtHypervisor(uri: uri, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  /// Runs virsh and returns what it printed.
  @discardableResult
  package func virsh(_ arguments: String...) async throws -> String {
    // Without a terminal: on one virsh starts an agent for polkit, which complains into the answer.
    try await TestProcess.run("setsid", ["-w", "virsh", "-q", "-c", uri] + arguments)
  }

  /// Makes a file, or a folder with all in it, QEMU's own.
  package func handToQEMU(_ path: String) async throws {
    let owner = "\(Self.processOwner):\(Self.processOwner)"
    try await TestProcess.run("chown", ["-R", owner, path])
  }

  /// Kills libvirtd as a crash would; its guests stay.
  package func killDaemon() async throws {
    try await signalDaemon("KILL")
  }

  /// Sends libvirtd a signal, by its name without SIG.
  package func signalDaemon(_ signal: String) async throws {
    try await TestProcess.run("kill", ["-\(signal)", try daemonProcess()])
  }

  /// Starts libvirtd again after ``killDaemon()``.
  package func restartDaemon() async throws {
    try await TestProcess.run(Self.script, ["start", folder])
  }

  /// Whether somebody on the bridge answers for an address within three seconds.
  package func reaches(_ address: String) async throws -> Bool {
    let script = """
      ip neighbor flush dev br0
      for tick in $(seq 30); do
        echo >/dev/udp/\(address)/9
        ip neighbor show \(address) | grep -q lladdr && exit 0
        sleep 0.1
      done
      exit 1
      """
    let target = "--target=\(try daemonProcess())"
    do {
      try await TestProcess.run("nsenter", [target, "--net", "bash", "-c", script])
      return true
    } catch is TestProcess.Failure {
      return false
    }
  }

  private func daemonProcess() throws -> String {
    try String(contentsOfFile: "\(folder)/libvirtd.pid", encoding: .utf8)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

/// Runs `body` with a libvirt that nobody else uses.
package func withPrivateLibvirt<Value: Sendable>(
  isBridged: Bool = false,
  _ body: (PrivateLibvirt) async throws -> Value
) async throws -> Value {
  let libvirt = try await PrivateLibvirt.start(isBridged: isBridged)
  do {
    let value = try await body(libvirt)
    await libvirt.stop()
    return value
  } catch {
    await libvirt.stop()
    throw error
  }
}

/// Makes the shared one when the first asks for it.
private actor SharedLibvirt {
  static let instance = SharedLibvirt()

  private let turn = AsyncSlots(count: 1)
  private var libvirt: PrivateLibvirt?

  func get() async throws -> PrivateLibvirt {
    await turn.acquire()
    defer { turn.release() }
    if let libvirt { return libvirt }
    let started = try await PrivateLibvirt.start()
    libvirt = started
    return started
  }
}

/// The script that keeps libvirt for as long as its standard input is open.
private final class Guardian: Sendable {
  let uri: String
  private let process: Mutex<Process>
  private let input: FileHandle

  init(script: String, folder: String, isBridged: Bool) throws(TestProcess.Failure) {
    let process = Process()
    process.executableURL = URL(filePath: script)
    process.arguments = ["guard", folder] + (isBridged ? ["bridged"] : [])
    let (input, output) = try Self.begin(process)
    var line = ""
    while !line.hasSuffix("\n") {
      let bytes = output.fileHandleForReading.availableData
      guard !bytes.isEmpty else { break }
      line += String(decoding: bytes, as: UTF8.self)
    }
    guard line.hasPrefix("qemu+unix:") else {
      throw TestProcess.Failure(command: script, output: "no libvirt came up; see above")
    }
    uri = line.trimmingCharacters(in: .whitespacesAndNewlines)
    self.input = input.fileHandleForWriting
    self.process = Mutex(process)
  }

  private static func begin(_ process: Process) throws(TestProcess.Failure) -> (Pipe, Pipe) {
    do {
      return try TestProcess.begin {
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        return (input, output)
      }
    } catch {
      throw TestProcess.Failure(command: PrivateLibvirt.script, output: "\(error)")
    }
  }

  /// Waits until everything is gone.
  func end() {
    try? input.close()
    process.withLock { $0.waitUntilExit() }
  }
}
