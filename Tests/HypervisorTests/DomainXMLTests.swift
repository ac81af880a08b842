import Hypervisor
import Model
import Testing

struct DomainXMLTests {
  // MARK: Disks

  struct DiskCase: Sendable, CustomTestStringConvertible {
    let name: String
    let xml: String
    let disk: DomainDisk

    var testDescription: String { name }
  }

  static let diskCases = [
    DiskCase(
      name: "virtio, raw",
      xml: """
        <disk type='file' device='disk'><driver name='qemu' type='raw' discard='unmap'/>\
        <source file='/images/a &amp; b.img'/><target dev='vda' bus='virtio'/>\
        <serial>S-1</serial><boot order='2'/></disk>
        """,
      disk: DomainDisk(
        targetDevice: "vda",
        sourcePath: "/images/a & b.img",
        serial: "S-1",
        bootOrder: 2
      )
    ),
    DiskCase(
      name: "sata, qcow2 with a backing chain",
      xml: """
        <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>\
        <source file='/images/top.qcow2'/>\
        <backingStore type='file'><format type='qcow2'/><source file='/images/mid.qcow2'/>\
        <backingStore type='file'><format type='raw'/><source file='/images/base.img'/>\
        <backingStore/></backingStore></backingStore>\
        <target dev='sda' bus='sata'/></disk>
        """,
      disk: DomainDisk(
        targetDevice: "sda",
        bus: "sata",
        sourcePath: "/images/top.qcow2",
        format: "qcow2",
        backingPath: "/images/mid.qcow2"
      )
    ),
    DiskCase(
      name: "scsi, block device, shareable, 4096-byte sectors",
      xml: """
        <disk type='block' device='disk'><driver name='qemu' type='raw'/>\
        <source dev='/dev/vg/data'/><blockio logical_block_size='4096' physical_block_size='4096'/>\
        <target dev='sdb' bus='scsi'/><shareable/></disk>
        """,
      disk: DomainDisk(
        targetDevice: "sdb",
        bus: "scsi",
        sourceType: .block,
        sourcePath: "/dev/vg/data",
        isShareable: true,
        logicalBlockSize: 4096
      )
    ),
    DiskCase(
      name: "a passed-through unit",
      xml: """
        <disk type='block' device='lun'><driver name='qemu' type='raw'/><source dev='/dev/sdc'/>\
        <target dev='sdc' bus='scsi'/></disk>
        """,
      disk: DomainDisk(
        targetDevice: "sdc",
        bus: "scsi",
        device: .lun,
        sourceType: .block,
        sourcePath: "/dev/sdc"
      )
    ),
    DiskCase(
      name: "an empty CD drive",
      xml: "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>",
      disk: DomainDisk(
        targetDevice: "hdc",
        bus: "ide",
        device: .cdrom,
        sourcePath: nil,
        isReadOnly: true
      )
    ),
    DiskCase(
      name: "a CD without the word readonly",
      xml: """
        <disk type='file' device='cdrom'><source file='/seed.iso'/><target dev='hdc' bus='sata'/>\
        </disk>
        """,
      disk: DomainDisk(
        targetDevice: "hdc",
        bus: "sata",
        device: .cdrom,
        sourcePath: "/seed.iso",
        isReadOnly: true
      )
    ),
    DiskCase(
      name: "a volume of a pool",
      xml: """
        <disk type='volume' device='disk'><driver name='qemu' type='qcow2'/>\
        <source pool='default' volume='v1'/><target dev='vdb' bus='virtio'/></disk>
        """,
      disk: DomainDisk(
        targetDevice: "vdb",
        sourceType: .volume,
        sourcePath: "default/v1",
        format: "qcow2"
      )
    ),
    DiskCase(
      name: "a network disk",
      xml: """
        <disk type='network' device='disk'><driver name='qemu' type='raw'/>\
        <source protocol='rbd' name='pool/image'><host name='mon1'/></source>\
        <target dev='vdc' bus='virtio'/></disk>
        """,
      disk: DomainDisk(
        targetDevice: "vdc",
        sourceType: .network,
        sourcePath: "rbd:pool/image"
      )
    ),
    DiskCase(
      name: "a qcow2 with its data elsewhere",
      xml: """
        <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>\
        <source file='/meta.qcow2'><dataStore type='file'><format type='raw'/>\
        <source file='/data.img'/></dataStore></source><target dev='vdd' bus='virtio'/></disk>
        """,
      disk: DomainDisk(
        targetDevice: "vdd",
        sourcePath: "/meta.qcow2",
        format: "qcow2",
        hasDataStore: true
      )
    ),
  ]

  @Test(arguments: diskCases)
  func `a disk is read as it is written`(_ example: DiskCase) throws {
    let domain = try DomainXML.parse(live: nil, inactive: domainXML(devices: example.xml))
    let disk = try #require(domain.disks.first)
    #expect(disk.withXML("") == example.disk)
    #expect(domain.inactiveDisks == domain.disks)
    // Its own XML, given back to a device call, means the same disk.
    #expect(try DomainDisk(xml: disk.xml).withXML("") == example.disk)
  }

  // MARK: Machine

  struct FirmwareCase: Sendable, CustomTestStringConvertible {
    let name: String
    let system: String
    let firmware: DomainFirmware
    let kind: Firmware
    let nvram: String?

    var testDescription: String { name }
  }

  static let firmwareCases = [
    FirmwareCase(
      name: "BIOS",
      system: "<os><type>hvm</type></os>",
      firmware: .bios,
      kind: .bios,
      nvram: nil
    ),
    FirmwareCase(
      name: "a BIOS ROM of one's own",
      system: "<os><type>hvm</type><loader type='rom'>/bios.bin</loader></os>",
      firmware: .bios,
      kind: .bios,
      nvram: nil
    ),
    FirmwareCase(
      name: "UEFI with its variables",
      system: """
        <os><type>hvm</type><loader readonly='yes' type='pflash'>/OVMF_CODE.fd</loader>\
        <nvram template='/OVMF_VARS.fd'>/nvram/a_VARS.fd</nvram></os>
        """,
      firmware: .uefi(loader: "/OVMF_CODE.fd", secureBoot: false),
      kind: .uefi,
      nvram: "/nvram/a_VARS.fd"
    ),
    FirmwareCase(
      name: "UEFI with secure boot",
      system: """
        <os><type>hvm</type><loader readonly='yes' secure='yes' type='pflash'>/S.fd</loader>\
        <nvram type='file'><source file='/nvram/b.fd'/></nvram></os>
        """,
      firmware: .uefi(loader: "/S.fd", secureBoot: true),
      kind: .uefiSecureBoot,
      nvram: "/nvram/b.fd"
    ),
    FirmwareCase(
      name: "UEFI of libvirt's choice",
      system: """
        <os firmware='efi'><type>hvm</type><firmware><feature enabled='yes' name='secure-boot'/>\
        </firmware></os>
        """,
      firmware: .uefi(loader: nil, secureBoot: true),
      kind: .uefiSecureBoot,
      nvram: nil
    ),
  ]

  @Test(arguments: firmwareCases)
  func `the firmware is told from the loader`(_ example: FirmwareCase) throws {
    let domain = try DomainXML.parse(live: nil, inactive: domainXML(system: example.system))
    #expect(domain.firmware == example.firmware)
    #expect(domain.firmware.kind == example.kind)
    #expect(domain.nvramPath == example.nvram)
  }

  @Test func `processors, memory, TPM and generation id are read`() throws {
    let domain = try DomainXML.parse(
      live: nil,
      inactive: domainXML(
        system: """
          <genid>AB12</genid><vcpu placement='static' current='2'>4</vcpu>\
          <memory unit='KiB'>262144</memory><os/>
          """,
        devices: "<tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm>"
      )
    )
    #expect(domain.generationID == "AB12")
    #expect(domain.hasPersistentTPM)
    #expect(domain.processorCount == 2)
    #expect(domain.memoryBytes == 256 << 20)
    #expect(!domain.hasAgentChannel)
  }

  // MARK: Live and defined

  static let channel = """
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>\
    </channel>
    """

  @Test func `the agent and QEMU's owner are told from what runs`() throws {
    let live = domainXML(
      devices: Self.channel,
      tail: """
        <seclabel type='dynamic' model='apparmor' relabel='yes'><label>x</label></seclabel>\
        <seclabel type='dynamic' model='dac' relabel='yes'><label>+64055:+108</label></seclabel>
        """
    )
    let domain = try DomainXML.parse(live: live, inactive: domainXML(devices: Self.channel))
    #expect(domain.isAgentConnected)
    #expect(domain.processOwner?.userID == 64055)
    #expect(domain.processOwner?.groupID == 108)
    let stopped = try DomainXML.parse(live: nil, inactive: domainXML(devices: Self.channel))
    #expect(stopped.hasAgentChannel)
    #expect(!stopped.isAgentConnected)
    #expect(stopped.processOwner == nil)
  }

  static func disk(_ path: String, device: String = "vda", more: String = "") -> String {
    """
    <disk type='file' device='disk'><driver type='raw'/><source file='\(path)'/>\
    <target dev='\(device)' bus='virtio'/>\(more)</disk>
    """
  }

  static func card(_ mac: String, more: String = "") -> String {
    "<interface type='bridge'><mac address='\(mac)'/><source bridge='br0'/>\(more)</interface>"
  }

  @Test(arguments: [
    (disk("/a"), disk("/a"), true),
    (disk("/a", more: "<alias name='virtio-disk0'/><backingStore/>"), disk("/a"), true),
    (disk("/a") + disk("/b", device: "vdb"), disk("/b", device: "vdb") + disk("/a"), true),
    (disk("/a"), disk("/b"), false),
    (disk("/a"), disk("/a", more: "<shareable/>"), false),
    (disk("/a"), disk("/a") + disk("/b", device: "vdb"), false),
    (card("52:54:00:AA:00:01"), card("52:54:00:aa:00:01", more: "<link state='down'/>"), true),
    (card("52:54:00:aa:00:01"), card("52:54:00:aa:00:02"), false),
    (card("52:54:00:aa:00:01"), "", false),
  ])
  func `live and defined agree if they have the same disks and cards`(
    live: String,
    defined: String,
    agree: Bool
  ) throws {
    let domain = try DomainXML.parse(
      live: domainXML(devices: live),
      inactive: domainXML(devices: defined)
    )
    #expect(domain.definitionsAgree == agree)
  }

  @Test func `a network card is read with its cable`() throws {
    let domain = try DomainXML.parse(
      live: nil,
      inactive: domainXML(
        devices: Self.card("52:54:00:AA:00:01", more: "<link state='down'/>")
          + "<interface type='user'><mac address='52:54:00:aa:00:02'/></interface>"
      )
    )
    let found = domain.interfaces.map {
      DomainInterface(mac: $0.mac, type: $0.type, source: $0.source, linkUp: $0.linkUp)
    }
    #expect(
      found == [
        DomainInterface(mac: "52:54:00:aa:00:01", type: "bridge", source: "br0", linkUp: false),
        DomainInterface(mac: "52:54:00:aa:00:02", type: "user"),
      ]
    )
  }

  // MARK: Refusals

  @Test(arguments: [
    "", "text", "<domain>", "<network><name>a</name></network>", "<domain><name>a</name></domain>",
    domainXML(devices: "<disk type='file' device='disk'/>"),
    domainXML(devices: "<disk device='tape'><target dev='vda'/></disk>"),
    domainXML(devices: "<interface type='user'/>"),
  ])
  func `what is no sound domain is refused`(_ xml: String) {
    #expect {
      try DomainXML.parse(live: nil, inactive: xml)
    } throws: { error in
      guard case HypervisorError.invalidXML = error else { return false }
      return true
    }
  }
}

/// A domain with the parts a test is about.
private func domainXML(
  system: String = "<os><type>hvm</type></os>",
  devices: String = "",
  tail: String = ""
) -> String {
  """
  <domain type='qemu'><name>a</name><uuid>11111111-2222-3333-4444-5555555555AA</uuid>\(system)\
  <devices>\(devices)</devices>\(tail)</domain>
  """
}

extension DomainDisk {
  /// The same disk with other XML, to compare all but the text.
  fileprivate func withXML(_ xml: String) -> DomainDisk {
    DomainDisk(
      targetDevice: targetDevice,
      bus: bus,
      device: device,
      sourceType: sourceType,
      sourcePath: sourcePath,
      format: format,
      isReadOnly: isReadOnly,
      isShareable: isShareable,
      backingPath: backingPath,
      hasDataStore: hasDataStore,
      logicalBlockSize: logicalBlockSize,
      serial: serial,
      bootOrder: bootOrder,
      xml: xml
    )
  }
}
