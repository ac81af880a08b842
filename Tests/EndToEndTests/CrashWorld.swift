import Foundation
import TestSupport
import Testing

/// Two guests with two disks each, and a server that dies again and again.
///
/// One backup of the source serves all tests, and the target runs from one to the next.
struct CrashWorld: Sendable {
  @TaskLocal private static var shared: CrashWorld?

  /// The world of the suite that runs.
  static var current: CrashWorld {
    guard let shared else {
      preconditionFailure("a test of crashes needs the suite's trait `.crashWorld`")
    }
    return shared
  }

  /// A guest with the id of its VPS and its second disk.
  struct Machine: Sendable {
    let guest: MicroGuest
    let vps: String
    let secondDisk: String

    /// Writes a text onto both disks, through to them.
    func mark(_ text: String) async throws {
      try await guest.write(text, to: "/data/marker")
      try await guest.shell("printf '%-64s' '\(text)' | dd of=/dev/vdb conv=notrunc 2>&1 && sync")
    }

    /// The texts on both disks.
    func marks() async throws -> [String] {
      let second = try await guest.shell("dd if=/dev/vdb bs=64 count=1 2>/dev/null")
      return [
        try await guest.read("/data/marker"),
        second.trimmingCharacters(in: .whitespacesAndNewlines),
      ]
    }

    /// What Rehome keeps beside each of the disks.
    func kept() throws -> [[String]] {
      try [guest.diskPath, secondDisk].map { path in
        let disk = URL(filePath: path)
        let folder = disk.deletingLastPathComponent().path(percentEncoded: false)
        return try FileManager.default.contentsOfDirectory(atPath: folder)
          .filter { $0.hasPrefix(".\(disk.lastPathComponent).rehome-") }
          .map { folder + "/" + $0 }
      }
    }
  }

  static let sourceText = "data of the source"

  let installation: Installation
  let source: Machine
  let target: Machine
  let backup: String

  var server: Server { installation.server }

  fileprivate static func with(
    strategy: String,
    _ body: () async throws -> Void
  ) async throws {
    let libvirt = try await PrivateLibvirt.shared()
    try await Server.with(
      below: libvirt.folder,
      libvirtURI: libvirt.uri,
      variables: [
        "REHOME_RESTORE_CONFIRMTIMEOUT": "60s", "REHOME_RESTORE_ATTEMPTS": "6",
        "REHOME_RESTORE_STRATEGY": strategy, "REHOME_RESTORE_ALLOWINPLACE": "true",
      ]
    ) { server in
      let installation = try await Installation(on: server)
      // Only raw disks can be written over where they are.
      let format = strategy == "staged" ? "qcow2" : "raw"
      try await withMachine("source", "1", format, installation, libvirt) { source in
        try await withMachine("target", "2", format, installation, libvirt) { target in
          try await source.guest.boot()
          try await source.mark(sourceText)
          try await target.guest.boot()
          try await server.start()
          let world = CrashWorld(
            installation: installation,
            source: source,
            target: target,
            backup: try await installation.backUp(source.vps)
          )
          #expect(try await server.stop() == 0)
          try await $shared.withValue(world) { try await body() }
        }
      }
    }
  }

  /// The second disk may have another format than the first.
  private static func withMachine(
    _ name: String,
    _ number: String,
    _ format: String,
    _ installation: Installation,
    _ libvirt: PrivateLibvirt,
    _ body: (Machine) async throws -> Void
  ) async throws {
    let disk = "\(installation.server.folder)/\(name).\(format)"
    try await TestProcess.run("qemu-img", ["create", "-q", "-f", format, disk, "24M"])
    try await libvirt.handToQEMU(disk)
    var options = MicroGuest.Options(named: name)
    options.size = "64M"
    options.mac = "52:54:00:cc:00:0\(number)"
    options.address = "10.0.2.2\(number)/24"
    options.deviceXML = """
      <disk type='file' device='disk'><driver name='qemu' type='\(format)' discard='unmap'/>\
      <source file='\(disk)'/><target dev='vdb' bus='virtio'/></disk>
      """
    let network = """
      version: 2
      ethernets:
        wan:
          match: { macaddress: "52:54:00:cc:00:0\(number)" }
          addresses: [ 10.0.2.2\(number)/24 ]

      """
    try await withMicroGuest(options) { guest in
      let vps = try await installation.register(guest.name, network: network)
      try await body(Machine(guest: guest, vps: vps, secondDisk: disk))
    }
  }
}

/// Makes the world once, around all tests of a suite.
struct CrashWorldScope: SuiteTrait, TestScoping {
  let isRecursive = false
  let strategy: String

  func provideScope(
    for test: Test,
    testCase: Test.Case?,
    performing function: @concurrent @Sendable () async throws -> Void
  ) async throws {
    try await CrashWorld.with(strategy: strategy) { try await function() }
  }
}

extension Trait where Self == CrashWorldScope {
  /// A world for all tests of the suite; see ``CrashWorld``.
  static var crashWorld: Self { crashWorld(strategy: "staged") }

  /// A world whose restores are done in one way.
  static func crashWorld(strategy: String) -> Self { CrashWorldScope(strategy: strategy) }
}
