import Disks
import Foundation
package import Hypervisor

/// A guest of a private libvirt with a whole Debian: cloud-init, networkd, sshd, its own boot
/// loader and kernel.
///
/// It boots in half a minute to two minutes, so few tests should need it. Its first seed is one as
/// operators make them; nothing of what is tested helps to make it.
package final class DebianGuest: Sendable {
  /// What kind of guest is wanted.
  package struct Options: Sendable {
    /// The domain's name; it is made unique with a random ending.
    package var name = "debian"
    /// The disk's format, `raw` or `qcow2`.
    package var format = "qcow2"
    /// The disk's size in MB.
    package var megabytes = 1536
    /// The guest's host name.
    package var hostname = "debian"
    /// The network card's hardware address.
    package var mac = "52:54:00:12:34:56"
    /// The network card's address with its prefix length.
    package var address = "10.0.2.15/24"
    /// The user-data of the first seed.
    package var userData = "#cloud-config\n{}\n"
    /// More XML between `<devices>` and `</devices>`.
    package var deviceXML = ""
    /// More XML right under `<domain>`.
    package var domainXML = ""

    /// The usual kind: qcow2, one network card.
    package init() {}
  }

  /// The domain's name.
  package let name: String
  /// The domain's UUID.
  package let uuid: String
  /// The guest's files: the disk, the first seed and the console's log.
  package let folder: String
  /// The disk's image.
  package let diskPath: String
  /// The image of the seed that it was made with.
  package let seedPath: String
  /// Its network as netplan has it.
  package let networkText: String
  /// The libvirt that it lives in.
  package let libvirt: PrivateLibvirt

  /// How the hypervisor finds it.
  package var reference: DomainReference { DomainReference(name: name, uuid: uuid) }
  /// The file that the guest's console is written to, anew at each start.
  package var consolePath: String { "\(folder)/console.log" }

  private init(
    name: String,
    uuid: String,
    folder: String,
    _ options: Options,
    libvirt: PrivateLibvirt
  ) {
    self.name = name
    self.uuid = uuid
    self.folder = folder
    diskPath = "\(folder)/disk.\(options.format)"
    seedPath = "\(folder)/seed.iso"
    networkText = """
      version: 2
      ethernets:
        id0:
          match: { macaddress: "\(options.mac)" }
          set-name: eth0
          addresses: [ "\(options.address)" ]

      """
    self.libvirt = libvirt
  }

  /// Makes the guest's disk and first seed and defines its domain; it isn't started.
  package static func define(
    on libvirt: PrivateLibvirt,
    _ options: Options = Options()
  ) async throws -> DebianGuest {
    let uuid = UUID().uuidString.lowercased()
    let name = "\(options.name)-\(uuid.prefix(6))"
    let folder = "\(libvirt.folder)/\(name)"
    let guest = DebianGuest(name: name, uuid: uuid, folder: folder, options, libvirt: libvirt)
    try FileManager.default.createDirectory(
      atPath: folder,
      withIntermediateDirectories: false
    )
    try await TestProcess.run(
      TestProcess.script("debian-guest.sh"),
      [guest.diskPath, "\(options.megabytes)"]
    )
    try await guest.writeFirstSeed(options)
    try guest.definition(options).write(
      toFile: "\(folder)/domain.xml",
      atomically: true,
      encoding: .utf8
    )
    try await libvirt.handToQEMU(folder)
    try await libvirt.virsh("define", "\(folder)/domain.xml")
    return guest
  }

  /// Starts it and waits until its cloud-init is through; one guest boots at a time.
  package func boot() async throws {
    try await withBootSlot {
      try await libvirt.virsh("start", name)
      try await waitUntilReady()
    }
  }

  /// Shuts it down by the power button, which its systemd obeys, and waits until it is off.
  package func shutDown() async throws {
    try await libvirt.virsh("shutdown", name, "--mode", "acpi")
    try await poll("\(name) did not shut down") {
      try await self.libvirt.virsh("domstate", self.name).contains("shut off")
    }
  }

  /// Waits until cloud-init is through and the agent answers.
  package func waitUntilReady() async throws {
    try await poll("\(name) did not come up") {
      guard try self.console().contains("GUEST-READY") else { return false }
      return (try? await self.agent(#"{"execute":"guest-ping"}"#)) != nil
    }
  }

  /// What the guest has printed on its console since its last start.
  package func console() throws -> String {
    guard let data = FileManager.default.contents(atPath: consolePath) else { return "" }
    return String(decoding: data, as: UTF8.self)
  }

  /// Ends it and removes its domain and its files.
  package func remove() async throws {
    // It need not run any more.
    _ = try? await libvirt.virsh("destroy", name)
    try await libvirt.virsh(
      "undefine",
      name,
      "--managed-save",
      "--snapshots-metadata",
      "--checkpoints-metadata"
    )
    try FileManager.default.removeItem(atPath: folder)
  }

  /// Looks again and again until `condition` holds; at most five minutes, which only a very busy
  /// machine needs.
  func poll(_ failure: String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(300)
    while try await !condition() {
      guard ContinuousClock.now < deadline else {
        throw TestProcess.Failure(command: failure, output: try console())
      }
      try await Task.sleep(for: .milliseconds(200))
    }
  }
}

// MARK: - Definition

extension DebianGuest {
  private func writeFirstSeed(_ options: Options) async throws {
    let parts = [
      "meta-data": "instance-id: first-\(uuid)\nlocal-hostname: \(options.hostname)\n",
      "network-config": networkText, "user-data": options.userData,
    ]
    let seed = "\(folder)/seed"
    try FileManager.default.createDirectory(atPath: seed, withIntermediateDirectories: false)
    for (name, text) in parts {
      try text.write(toFile: "\(seed)/\(name)", atomically: true, encoding: .utf8)
    }
    try await TestProcess.run(
      "xorriso",
      ["-as", "genisoimage", "-quiet", "-o", seedPath, "-V", "CIDATA", "-J", "-r", seed]
    )
  }

  /// The seed is a virtio disk: Debian's kernel for virtual machines has no driver for SATA.
  private func definition(_ options: Options) -> String {
    """
    <domain type='qemu'>
      <name>\(name)</name>
      <uuid>\(uuid)</uuid>
      <memory unit='MiB'>1024</memory>
      <vcpu>2</vcpu>
      \(options.domainXML)
      <os><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/></os>
      <features><acpi/></features>
      <cpu mode='maximum'/>
      <devices>
        <emulator>/usr/bin/qemu-system-x86_64</emulator>
        <disk type='file' device='disk'>
          <driver name='qemu' type='\(options.format)' discard='unmap'/>
          <source file='\(diskPath)'/>
          <target dev='vda' bus='virtio'/>
        </disk>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw'/>
          <source file='\(seedPath)'/>
          <target dev='vdb' bus='virtio'/>
          <readonly/>
        </disk>
        <interface type='user'>
          <mac address='\(options.mac)'/><model type='virtio'/><rom enabled='no'/>
        </interface>
        <serial type='file'><source path='\(consolePath)'/></serial>
        <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
        <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
        <memballoon model='none'/>
        \(options.deviceXML)
      </devices>
    </domain>
    """
  }
}

/// An emulated Debian keeps two processors busy while it boots.
private let bootSlots = AsyncSlots(count: 1)

/// Runs `body` while no other guest of this process boots.
private func withBootSlot(_ body: () async throws -> Void) async throws {
  await bootSlots.acquire()
  defer { bootSlots.release() }
  try await body()
}

/// Runs `body` with a guest of the shared libvirt, defined but not started, and removes it.
package func withDebianGuest<Value: Sendable>(
  _ options: DebianGuest.Options = DebianGuest.Options(),
  _ body: (DebianGuest) async throws -> Value
) async throws -> Value {
  let guest = try await DebianGuest.define(on: PrivateLibvirt.shared(), options)
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
