import Foundation
import Hypervisor
import Model
import Testing

import TestSupport

/// Changes to definitions, on domains that never start.
struct DefinitionTests {
  @Test func `settling changes nothing of the definition`() async throws {
    try await withMicroGuest { guest in
      let hypervisor = guest.libvirt.hypervisor()
      let before = try await hypervisor.domain(guest.reference)
      try await hypervisor.settle(guest.reference)
      let after = try await hypervisor.domain(guest.reference)
      #expect(after.definitionXML == before.definitionXML)
      #expect(after.inactiveDisks.map(\.xml) == before.inactiveDisks.map(\.xml))
    }
  }

  @Test func `a seed is attached, exchanged and detached in the definition`() async throws {
    try await withMicroGuest { guest in
      let hypervisor = guest.libvirt.hypervisor()
      let first = try await image(of: guest, "seed-1.iso")
      let second = try await image(of: guest, "seed-2.iso")
      try await hypervisor.attachDevice(guest.reference, xml: seed(first))
      var disks = try await hypervisor.domain(guest.reference).inactiveDisks
      #expect(disks.map(\.targetDevice) == ["vda", "vdz"])
      let attached = try #require(disks.last)
      #expect(attached.isReadOnly)
      #expect(attached.sourcePath == first)

      await #expect(throws: HypervisorError.self) {
        try await hypervisor.attachDevice(guest.reference, xml: seed(second))
      }
      try await hypervisor.updateDevice(guest.reference, xml: seed(second))
      disks = try await hypervisor.domain(guest.reference).inactiveDisks
      #expect(disks.last?.sourcePath == second)

      // The way back: the XML that was read first.
      try await hypervisor.updateDevice(guest.reference, xml: attached.xml)
      disks = try await hypervisor.domain(guest.reference).inactiveDisks
      #expect(disks.last?.sourcePath == first)

      try await hypervisor.detachDevice(guest.reference, xml: attached.xml)
      disks = try await hypervisor.domain(guest.reference).inactiveDisks
      #expect(disks.map(\.targetDevice) == ["vda"])
      await #expect(throws: HypervisorError.self) {
        try await hypervisor.attachDevice(guest.reference, xml: "<disk")
      }
    }
  }

  @Test func `a device changed in the definition of a running domain is not live`() async throws {
    try await withMicroGuest { guest in
      let hypervisor = guest.libvirt.hypervisor()
      try await guest.boot()
      try await hypervisor.attachDevice(
        guest.reference,
        xml: seed(try await image(of: guest, "seed.iso"))
      )
      let description = try await hypervisor.domain(guest.reference)
      #expect(description.disks.count == 1)
      #expect(description.inactiveDisks.count == 2)
      #expect(!description.definitionsAgree)
    }
  }

  @Test func `a generation id is renewed and nothing else changes`() async throws {
    var options = MicroGuest.Options()
    options.domainXML = """
      <metadata><x:y xmlns:x='urn:x'>a &lt;genid&gt; b</x:y></metadata>\
      <genid>43dc0cf8-809b-4adb-9bea-a9abb5f3d90e</genid>
      """
    try await withMicroGuest(options) { guest in
      let hypervisor = guest.libvirt.hypervisor()
      let before = try await hypervisor.domain(guest.reference)
      #expect(before.generationID == "43dc0cf8-809b-4adb-9bea-a9abb5f3d90e")
      let identifier = try #require(
        try await hypervisor.renewGenerationID(of: guest.reference)
      )
      let after = try await hypervisor.domain(guest.reference)
      #expect(after.generationID == identifier)
      #expect(identifier != before.generationID)
      let restored = after.definitionXML.replacingOccurrences(
        of: identifier,
        with: "43dc0cf8-809b-4adb-9bea-a9abb5f3d90e"
      )
      #expect(restored == before.definitionXML)
    }
  }

  @Test func `a domain without generation id keeps having none`() async throws {
    try await withMicroGuest { guest in
      let hypervisor = guest.libvirt.hypervisor()
      let before = try await hypervisor.domain(guest.reference)
      #expect(try await hypervisor.renewGenerationID(of: guest.reference) == nil)
      #expect(try await hypervisor.domain(guest.reference) == before)
    }
  }

  @Test func `autostart, snapshots and checkpoints are told`() async throws {
    var options = MicroGuest.Options()
    options.format = "qcow2"
    try await withMicroGuest(options) { guest in
      let hypervisor = guest.libvirt.hypervisor()
      try await hypervisor.setAutostart(guest.reference, true)
      #expect(try await hypervisor.domain(guest.reference).hasAutostart)
      try await hypervisor.setAutostart(guest.reference, false)
      #expect(try await hypervisor.domain(guest.reference).hasAutostart == false)

      try await guest.libvirt.virsh("snapshot-create-as", guest.name, "one")
      #expect(try await hypervisor.domain(guest.reference).snapshotCount == 1)
      try await guest.libvirt.virsh("snapshot-delete", guest.name, "one")

      try await guest.boot()
      try await guest.libvirt.virsh("checkpoint-create-as", guest.name, "check-1")
      try await guest.libvirt.virsh("checkpoint-create-as", guest.name, "check-2")
      #expect(
        try await hypervisor.domain(guest.reference).checkpointNames == ["check-1", "check-2"]
      )
      try await hypervisor.forgetCheckpoints(
        of: guest.reference,
        named: ["check-1", "never-there"]
      )
      #expect(try await hypervisor.domain(guest.reference).checkpointNames == ["check-2"])
    }
  }

  @Test func `every domain that uses a file is found, by whatever path`() async throws {
    try await withMicroGuest { guest in
      let hypervisor = guest.libvirt.hypervisor()
      let link = "\(guest.folder)/symbolic"
      let hard = "\(guest.folder)/hard"
      try FileManager.default.createSymbolicLink(
        atPath: link,
        withDestinationPath: guest.diskPath
      )
      try FileManager.default.linkItem(atPath: guest.diskPath, toPath: hard)
      for path in [guest.diskPath, link, hard] {
        #expect(try await hypervisor.fileUsers().domains(using: path) == [guest.name])
      }
      #expect(try await hypervisor.fileUsers().domains(using: "\(guest.folder)/nothing") == [])

      let overlay = "\(guest.folder)/overlay.qcow2"
      try await TestProcess.run(
        "qemu-img",
        ["create", "-f", "qcow2", "-F", "raw", "-b", guest.diskPath, overlay]
      )
      let other = "other-\(guest.name)"
      let definition = """
        <domain type='qemu'><name>\(other)</name><memory>65536</memory><os><type>hvm</type></os>\
        <devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/>\
        <source file='\(overlay)'/><backingStore type='file'><format type='raw'/>\
        <source file='\(guest.diskPath)'/></backingStore><target dev='vda' bus='virtio'/></disk>\
        </devices></domain>
        """
      try definition.write(
        toFile: "\(guest.folder)/other.xml",
        atomically: true,
        encoding: .utf8
      )
      try await guest.libvirt.virsh("define", "\(guest.folder)/other.xml")
      #expect(
        try await hypervisor.fileUsers().domains(using: link) == [guest.name, other].sorted()
      )
      #expect(
        try await hypervisor.domain(DomainReference(name: other)).disks.first?.backingPath
          == guest.diskPath
      )
      try await guest.libvirt.virsh("undefine", other)
      // No pool lies here; that is no failure.
      try await hypervisor.refreshPool(containing: guest.diskPath)
    }
  }

  @Test func `a pool shows a new file once it was refreshed`() async throws {
    try await withMicroGuest { guest in
      let hypervisor = guest.libvirt.hypervisor()
      let pool = "pool-\(guest.name)"
      try await guest.libvirt.virsh("pool-create-as", pool, "dir", "--target", guest.folder)
      let path = try await image(of: guest, "new.img")
      #expect(try await guest.libvirt.virsh("vol-list", pool).contains("new.img") == false)
      try await hypervisor.refreshPool(containing: path)
      #expect(try await guest.libvirt.virsh("vol-list", pool).contains("new.img"))
      try await guest.libvirt.virsh("pool-destroy", pool)
    }
  }

  private func image(of guest: MicroGuest, _ name: String) async throws -> String {
    let path = "\(guest.folder)/\(name)"
    try await TestProcess.run("truncate", ["-s", "1M", path])
    try await guest.libvirt.handToQEMU(path)
    return path
  }

  private func seed(_ path: String) -> String {
    """
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='\(path)'/>\
    <target dev='vdz' bus='virtio'/><readonly/></disk>
    """
  }
}
