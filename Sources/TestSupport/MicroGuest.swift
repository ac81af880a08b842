import Disks
import Foundation
package import Hypervisor

/// A guest of a private libvirt that boots in seconds: kernel, busybox, agent, one small disk.
package final class MicroGuest: Sendable {
  /// What kind of guest is wanted.
  package struct Options: Sendable {
    /// The domain's name; it is made unique with a random ending.
    package var name = "micro"
    /// The disk's size, as `truncate` takes it.
    package var size = "256M"
    /// The disk's format, `raw` or `qcow2`.
    package var format = "raw"
    /// Whether its folder is a file system that can share blocks: a small XFS of its own.
    package var isOnXFS = false
    /// Whether the domain has the disk, which must be raw, as a block device (a loop device).
    package var isBlockDevice = false
    /// Whether it has a UEFI, which stores what it likes in `nvram.fd` of the guest's folder.
    package var isUEFI = false
    /// The text in the guest's `/data/name`.
    package var text = "micro"
    /// The network card's hardware address; nil for none.
    package var mac: String?
    /// The bridge that the network card is on; nil: it has a network that only QEMU knows.
    package var bridge: String?
    /// The network card's address with its prefix length.
    package var address: String?
    /// More arguments for the guest's kernel, such as `noagent` or `noacpi`.
    package var kernelArguments: [String] = []
    /// More XML between `<devices>` and `</devices>`.
    package var deviceXML = ""
    /// More XML right under `<domain>`.
    package var domainXML = ""

    /// The usual kind: a raw disk of 256 MiB, no network.
    package init() {}

    /// The usual kind, which can be told from others by its name, from outside and from inside.
    package init(named name: String) {
      self.name = name
      text = name
    }
  }

  /// The domain's name.
  package let name: String
  /// The domain's UUID.
  package let uuid: String
  /// The guest's files: `vmlinuz`, `initrd.gz`, the disk and the console's log.
  package let folder: String
  /// The disk's image.
  package let diskPath: String
  /// Where its UEFI, if it has one, stores what isn't on the disk.
  package var nvramPath: String { "\(folder)/nvram.fd" }
  /// The libvirt that it lives in.
  package let libvirt: PrivateLibvirt
  private let hasAgent: Bool

  /// How the hypervisor finds it.
  package var reference: DomainReference { DomainReference(name: name, uuid: uuid) }
  /// The file that the guest's console is written to, anew at each start.
  package var consolePath: String { "\(folder)/console.log" }

  private init(
    name: String,
    uuid: String,
    folder: String,
    disk: String,
    hasAgent: Bool,
    libvirt: PrivateLibvirt
  ) {
    self.name = name
    self.uuid = uuid
    self.folder = folder
    diskPath = disk
    self.hasAgent = hasAgent
    self.libvirt = libvirt
  }

  /// Makes the guest's disk and defines its domain; it isn't started.
  package static func define(
    on libvirt: PrivateLibvirt,
    _ options: Options = Options()
  ) async throws -> MicroGuest {
    let uuid = UUID().uuidString.lowercased()
    let name = "\(options.name)-\(uuid.prefix(6))"
    let folder = "\(libvirt.folder)/\(name)"
    if options.isOnXFS { try await XFSMount.make(at: folder) }
    try await TestProcess.run(
      TestProcess.script("micro-guest.sh"),
      [folder, options.size, options.text]
    )
    var disk = "\(folder)/root.raw"
    if options.format != "raw" {
      let converted = "\(folder)/root.\(options.format)"
      try await TestProcess.run(
        "qemu-img",
        ["convert", "-f", "raw", "-O", options.format, disk, converted]
      )
      try FileManager.default.removeItem(atPath: disk)
      disk = converted
    }
    try await libvirt.handToQEMU(folder)
    if options.isBlockDevice {
      disk = try await TestProcess.run("losetup", ["-f", "--show", disk])
        .trimmingCharacters(in: .whitespacesAndNewlines)
      try await libvirt.handToQEMU(disk)
    }
    let guest = MicroGuest(
      name: name,
      uuid: uuid,
      folder: folder,
      disk: disk,
      hasAgent: !options.kernelArguments.contains("noagent"),
      libvirt: libvirt
    )
    try guest.domainXML(options).write(
      toFile: "\(folder)/domain.xml",
      atomically: true,
      encoding: .utf8
    )
    try await libvirt.virsh("define", "\(folder)/domain.xml")
    return guest
  }

  /// Starts it and waits until it is up, its agent too if it has one.
  package func boot() async throws {
    try await libvirt.virsh("start", name)
    try await waitUntilReady()
  }

  /// Waits until it is up; at most two minutes, which only a very busy machine needs.
  package func waitUntilReady() async throws {
    try await poll("\(name) did not come up") {
      guard try self.console().contains("MICRO-READY") else { return false }
      guard self.hasAgent else { return true }
      // It answers a moment after its start.
      return (try? await self.agent(#"{"execute":"guest-ping"}"#)) != nil
    }
  }

  /// What the guest has printed on its console since its last start.
  package func console() throws -> String {
    guard let data = FileManager.default.contents(atPath: consolePath) else { return "" }
    return String(decoding: data, as: UTF8.self)
  }

  /// The names of the checkpoints that libvirt knows of it.
  package func checkpoints() async throws -> [String] {
    try await libvirt.virsh("checkpoint-list", name, "--name").split(separator: "\n").map(
      String.init
    )
  }

  /// Ends it and removes its domain and its files.
  package func remove() async throws {
    // It need not run any more.
    _ = try? await libvirt.virsh("destroy", name)
    try await libvirt.virsh(
      "undefine",
      name,
      "--managed-save",
      "--nvram",
      "--snapshots-metadata",
      "--checkpoints-metadata"
    )
    if diskPath.hasPrefix("/dev/") {
      try await TestProcess.run("losetup", ["-d", diskPath])
      try await TestProcess.run("chown", ["root:disk", diskPath])
    }
    try await XFSMount.remove(at: folder)
    try FileManager.default.removeItem(atPath: folder)
  }
}

// MARK: - Inside the guest

extension MicroGuest {
  private struct Answer<Value: Decodable>: Decodable {
    let `return`: Value
  }

  private struct Started: Decodable {
    let pid: Int
  }

  private struct Status: Decodable {
    let exited: Bool
    let exitcode: Int?
    let out: String?

    enum CodingKeys: String, CodingKey {
      case exited
      case exitcode
      case out = "out-data"
    }
  }

  /// Runs a shell command in the guest by its agent and returns what it printed.
  @discardableResult
  package func shell(_ command: String) async throws -> String {
    let request = """
      {"execute":"guest-exec","arguments":{"path":"/bin/sh","arg":["-c",\(try json(command))],\
      "capture-output":true}}
      """
    let started = try JSONDecoder().decode(
      Answer<Started>.self,
      from: Data(try await agent(request).utf8)
    )
    let ask = #"{"execute":"guest-exec-status","arguments":{"pid":\#(started.return.pid)}}"#
    var printed = ""
    try await poll("\(command) did not end in \(name)") {
      let status = try JSONDecoder().decode(
        Answer<Status>.self,
        from: Data(try await self.agent(ask).utf8)
      ).return
      guard status.exited else { return false }
      printed = String(
        decoding: status.out.flatMap { Data(base64Encoded: $0) } ?? Data(),
        as: UTF8.self
      )
      guard status.exitcode == 0 else {
        throw TestProcess.Failure(command: command, output: printed)
      }
      return true
    }
    return printed
  }

  /// Writes a text into a file of the guest, through to its disk.
  package func write(_ text: String, to path: String) async throws {
    let encoded = Data(text.utf8).base64EncodedString()
    try await shell("echo \(encoded) | base64 -d > '\(path)' && sync")
  }

  /// Reads a file of the guest.
  package func read(_ path: String) async throws -> String {
    try await shell("cat '\(path)'")
  }

  /// Sends one command to the agent.
  package func agent(_ command: String) async throws -> String {
    try await libvirt.virsh("qemu-agent-command", name, "--timeout", "5", command)
  }

  private func json(_ text: String) throws -> String {
    String(decoding: try JSONEncoder().encode(text), as: UTF8.self)
  }

  private func poll(_ failure: String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(120)
    while try await !condition() {
      guard ContinuousClock.now < deadline else {
        throw TestProcess.Failure(command: failure, output: try console())
      }
      try await Task.sleep(for: .milliseconds(50))
    }
  }
}

// MARK: - Definition

extension MicroGuest {
  private func domainXML(_ options: Options) -> String {
    // The latter ones leave out what an emulated machine is slow at: a tenth of its boot.
    var arguments =
      [
        "console=ttyS0", "panic=-1", "quiet", "mitigations=off", "tsc=reliable", "no_timer_check",
        "noreplace-smp", "cryptomgr.notests",
      ] + options.kernelArguments
    if let address = options.address { arguments.append("ip4=\(address)") }
    let kind = options.bridge == nil ? "user" : "bridge"
    let source = options.bridge.map { "<source bridge='\($0)'/>" } ?? ""
    let network = options.mac.map {
      """
      <interface type='\(kind)'><mac address='\($0)'/>\(source)<model type='virtio'/>\
      <rom enabled='no'/></interface>
      """
    }
    let firmware = """
      <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
      <nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>\(nvramPath)</nvram>
      """
    return """
      <domain type='qemu'>
        <name>\(name)</name>
        <uuid>\(uuid)</uuid>
        <memory unit='MiB'>256</memory>
        <vcpu>1</vcpu>
        \(options.domainXML)
        <os>
          <type arch='x86_64' machine='pc'>hvm</type>
          \(options.isUEFI ? firmware : "")
          <kernel>\(folder)/vmlinuz</kernel>
          <initrd>\(folder)/initrd.gz</initrd>
          <cmdline>\(arguments.joined(separator: " "))</cmdline>
        </os>
        <features><acpi/></features>
        <on_crash>destroy</on_crash>
        <devices>
          <emulator>/usr/bin/qemu-system-x86_64</emulator>
          <disk type='\(options.isBlockDevice ? "block" : "file")' device='disk'>
            <driver name='qemu' type='\(options.format)' discard='unmap'/>
            <source \(options.isBlockDevice ? "dev" : "file")='\(diskPath)'/>
            <target dev='vda' bus='virtio'/>
          </disk>
          \(network ?? "")
          <serial type='file'><source path='\(consolePath)'/></serial>
          <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
          <memballoon model='none'/>
          \(options.deviceXML)
        </devices>
      </domain>
      """
  }
}

/// Whose turn it is to have guests, which keep the processors busy while they boot.
///
/// A test has its turn with all its guests together. If each guest took a turn of its own, two tests
/// with one guest each would wait for each other's second one for ever.
private enum GuestTurn {
  @TaskLocal static var isOurs = false
  private static let turns = AsyncSlots(count: 1)

  static func take<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
    guard !isOurs else { return try await body() }
    await turns.acquire()
    defer { turns.release() }
    return try await $isOurs.withValue(true) { try await body() }
  }
}

/// Runs `body` with a guest of the shared libvirt, defined but not started, and removes it.
///
/// Guests within `body` are the same test's, so they don't wait for this one.
package func withMicroGuest<Value: Sendable>(
  _ options: MicroGuest.Options = MicroGuest.Options(),
  on own: PrivateLibvirt? = nil,
  _ body: (MicroGuest) async throws -> Value
) async throws -> Value {
  let libvirt: PrivateLibvirt
  if let own { libvirt = own } else { libvirt = try await PrivateLibvirt.shared() }
  return try await GuestTurn.take {
    let guest = try await MicroGuest.define(on: libvirt, options)
    do {
      let value = try await body(guest)
      try await guest.remove()
      return value
    } catch {
      // The first error is the one to report.
      try? await guest.remove()
      throw error
    }
  }
}
