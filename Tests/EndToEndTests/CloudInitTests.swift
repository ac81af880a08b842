import Foundation
import TestSupport
import Testing

/// The main job, whole: one Debian's backup onto another, by HTTP, as seen from inside.
@Suite(.tags(.slow)) struct CloudInitTests {
  private static let sourceAddress = "10.0.2.11/24"
  private static let targetAddress = "10.0.2.22/24"
  private static let bootID = "/proc/sys/kernel/random/boot_id"
  private static let ran = "/var/lib/ran"

  /// An emulated Debian needs minutes on a busy machine.
  private static let patience = Duration.seconds(600)

  private static var sourceOptions: DebianGuest.Options {
    var options = DebianGuest.Options()
    options.name = "source"
    options.hostname = "alpha"
    options.mac = "52:54:00:dd:00:01"
    options.address = sourceAddress
    return options
  }

  private static var targetOptions: DebianGuest.Options {
    var options = DebianGuest.Options()
    options.name = "target"
    options.hostname = "bravo"
    options.mac = "52:54:00:dd:00:02"
    options.address = targetAddress
    options.userData = """
      #cloud-config
      runcmd:
        - echo "$(hostname)" >> \(ran)

      """
    return options
  }

  @Test func `a target has the source's data under its own identity, and an undo takes it back`()
    async throws
  {
    let libvirt = try await PrivateLibvirt.shared()
    try await withDebianGuest(Self.sourceOptions) { source in
      try await withDebianGuest(Self.targetOptions) { target in
        try await source.boot()
        try await source.write("the source's data", to: "/srv/data")
        try await target.boot()
        try await target.write("the target's data", to: "/srv/data")
        try await Server.with(
          below: libvirt.folder,
          libvirtURI: libvirt.uri,
          variables: ["REHOME_RESTORE_CONFIRMTIMEOUT": "500s"]
        ) { server in
          let installation = try await Installation(on: server)
          try await server.start()
          try await Self.restoreAndUndo(installation, source, target)
          #expect(try await server.stop() == 0)
        }
      }
    }
  }

  private static func restoreAndUndo(
    _ installation: Installation,
    _ source: DebianGuest,
    _ target: DebianGuest
  ) async throws {
    let sourceBoot = try await source.read(bootID)
    let sourceIdentity = try await source.identity()
    let before = try await target.identity()
    #expect(try await target.read(ran) == "bravo\n")
    let sourceID = try await register(source, "alpha", installation)
    let targetID = try await register(target, "bravo", installation)
    _ = try await installation.backUp(sourceID)
    // What a client does: it asks what there is, and sends back what it was told.
    let sources = try await installation.api()
      .get("/api/v2/vps/\(targetID)/backups/restore-sources").decode(SourcesBody.self).sources
    let chosen = try #require(sources.first { $0.id == sourceID })
    let backup = try #require(chosen.backups.first)
    let job = try await installation.restore(backup.id, of: chosen.id, onto: targetID)
    let restored = try await installation.finished(job, within: patience)
    #expect(restored.status == "completed")
    #expect(restored.result?.verified == true)
    #expect(restored.result?.network?.reapplied == true)
    #expect(restored.result?.network?.confirmed == true)
    try await target.waitUntilReady()
    try await expectRestored(target, before: before, source: sourceIdentity)
    #expect(try await source.read(bootID) == sourceBoot, "the source never stopped")

    let undo = try await installation.undo(job)
    #expect(try await installation.finished(undo, within: patience).status == "completed")
    try await target.waitUntilReady()
    #expect(try await target.identity() == before)
    #expect(try await target.read("/srv/data") == "the target's data")
    #expect(try await target.read(ran) == "bravo\n", "the user-data did not run again")
    #expect(try await source.read(bootID) == sourceBoot, "the source never stopped")
    #expect(try await source.identity() == sourceIdentity)
  }

  private static func expectRestored(
    _ target: DebianGuest,
    before: DebianGuest.Identity,
    source: DebianGuest.Identity
  ) async throws {
    let identity = try await target.identity()
    #expect(try await target.read("/srv/data") == "the source's data")
    #expect(identity.hostname == "bravo")
    #expect(identity.mac == before.mac)
    #expect(identity.addresses.contains(targetAddress))
    #expect(!identity.addresses.contains(sourceAddress))
    #expect(identity.machineID != source.machineID)
    #expect(identity.hostKey != source.hostKey)
    #expect(identity.instanceID != before.instanceID)
    // The new disk is new to the target's user-data, which therefore runs on it, once.
    #expect(try await target.read(ran) == "bravo\n")
  }

  private static func register(
    _ guest: DebianGuest,
    _ hostname: String,
    _ installation: Installation
  ) async throws -> String {
    try await installation.register(
      guest.name,
      hostname: hostname,
      network: guest.networkText,
      adoptSeed: true
    )
  }
}
