import Model
import Testing

@Suite struct RestorePlanTests {
  private static func source(
    _ device: String = "vda",
    bus: String = "virtio",
    size: Int64 = 100,
    nonZero: Int64 = 40,
    block: Int = 512,
    boot: Int? = nil
  ) -> BackupDisk {
    BackupDisk(
      device: device,
      bus: bus,
      archive: "drive-\(device).img.fidx",
      sizeBytes: size,
      nonZeroBytes: nonZero,
      logicalBlockSize: block,
      bootOrder: boot
    )
  }

  private static func target(
    _ device: String = "vda",
    bus: String = "virtio",
    size: Int64? = 100,
    storage: StorageKind = .file,
    block: Int = 512,
    boot: Int? = nil,
    obstacle: DiskObstacle? = nil,
    free: Int64? = 1000
  ) -> ObservedDisk {
    ObservedDisk(
      device: device,
      bus: bus,
      storage: storage,
      format: "raw",
      path: "/d/\(device)",
      sizeBytes: size,
      logicalBlockSize: block,
      bootOrder: boot,
      obstacle: obstacle,
      freeBytes: free
    )
  }

  private static func plan(
    _ sources: [BackupDisk],
    _ targets: [ObservedDisk],
    firmware: Firmware = .bios,
    targetFirmware: Firmware = .bios,
    tpm: Bool = false,
    targetTPM: Bool = false
  ) -> Result<RestorePlan, Mismatches> {
    RestorePlan.make(
      BackupContents(disks: sources, firmware: firmware, hasTPM: tpm, isFrozen: true),
      onto: Observation(
        observedAt: Timestamp(milliseconds: 0),
        powerState: .running,
        firmware: targetFirmware,
        hasTPM: targetTPM,
        disks: targets
      )
    )
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var sources: [BackupDisk]
    var targets: [ObservedDisk]
    var firmware: Firmware = .bios
    var tpm = false
    var code: FaultCode
  }

  static let mismatches: [Case] = [
    Case(
      testDescription: "one byte too large",
      sources: [source(size: 101)],
      targets: [target()],
      code: .insufficientStorage
    ),
    Case(
      testDescription: "no room on the host for data and its reserve",
      sources: [source(nonZero: 100)],
      targets: [target(free: 104)],
      code: .insufficientStorage
    ),
    Case(
      testDescription: "two disks onto one",
      sources: [source(), source("vdb")],
      targets: [target()],
      code: .incompatibleDisks
    ),
    Case(
      testDescription: "another bus",
      sources: [source(bus: "scsi")],
      targets: [target()],
      code: .incompatibleDisks
    ),
    Case(
      testDescription: "another block size",
      sources: [source(block: 4096)],
      targets: [target()],
      code: .incompatibleDisks
    ),
    Case(
      testDescription: "a TPM that the target lacks",
      sources: [source()],
      targets: [target()],
      tpm: true,
      code: .incompatibleDisks
    ),
    Case(
      testDescription: "UEFI onto BIOS",
      sources: [source()],
      targets: [target()],
      firmware: .uefi,
      code: .incompatibleFirmware
    ),
    Case(
      testDescription: "secure boot onto BIOS",
      sources: [source()],
      targets: [target()],
      firmware: .uefiSecureBoot,
      code: .incompatibleFirmware
    ),
    Case(
      testDescription: "a block device",
      sources: [source()],
      targets: [target(storage: .block)],
      code: .unsupportedTargetStorage
    ),
    Case(
      testDescription: "a hostile image",
      sources: [source()],
      targets: [target(obstacle: .hostile)],
      code: .unsupportedTargetStorage
    ),
    Case(
      testDescription: "an unknown size",
      sources: [source()],
      targets: [target(size: nil)],
      code: .incompatibleDisks
    ),
  ]

  @Test(arguments: mismatches)
  func `a mismatch is refused with its own code`(_ item: Case) throws {
    let plan = Self.plan(item.sources, item.targets, firmware: item.firmware, tpm: item.tpm)
    let found = try #require(throws: Mismatches.self) { try plan.get() }
    #expect(found.all.map(\.fault.code).contains(item.code))
    #expect(found.all.allSatisfy { $0.fault.pointer == "/backupId" })
  }

  @Test func `the fault of a disk that is too small tells both sizes`() throws {
    let found = try #require(throws: Mismatches.self) {
      try Self.plan([Self.source(size: 2048)], [Self.target(size: 1024)]).get()
    }
    let detail = try #require(found.all.first?.fault.detail)
    #expect(detail.contains("2048") && detail.contains("1024"))
  }

  @Test func `data that just fits with its reserve is taken`() throws {
    _ = try Self.plan([Self.source(nonZero: 100)], [Self.target(free: 105)]).get()
  }

  @Test func `equal names are matched by name whatever their order`() throws {
    let plan = try Self.plan(
      [Self.source("vdb", size: 50), Self.source("vda")],
      [Self.target("vda"), Self.target("vdb", size: 50)]
    ).get()
    #expect(plan.pairs.map(\.source.device) == ["vda", "vdb"])
    #expect(plan.pairs.map(\.target.device) == ["vda", "vdb"])
  }

  @Test func `other names are matched boot disk first, then in order`() throws {
    let plan = try Self.plan(
      [Self.source("sda"), Self.source("sdb", boot: 1)],
      [Self.target("vda"), Self.target("vdb")]
    ).get()
    #expect(plan.pairs.map(\.source.device) == ["sdb", "sda"])
  }

  @Test(arguments: [
    (StorageKind.file, "raw", DiskObstacle?.none, true), (.block, "raw", nil, true),
    (.file, "qcow2", nil, false), (.block, "qcow2", nil, false), (.network, "raw", nil, false),
    (.file, "raw", .backingChain, false), (.block, "raw", .shared, false),
  ])
  func `in place are written raw files and block devices that nothing stands in the way of`(
    _ storage: StorageKind,
    _ format: String,
    _ obstacle: DiskObstacle?,
    _ isPossible: Bool
  ) {
    var disk = Self.target(storage: storage, obstacle: obstacle, free: 0)
    disk.format = format
    let plan = RestorePlan.make(
      BackupContents(disks: [Self.source()], firmware: .bios, hasTPM: false, isFrozen: true),
      onto: Observation(
        observedAt: Timestamp(milliseconds: 0),
        powerState: .running,
        disks: [disk]
      ),
      strategy: .inPlace
    )
    switch plan {
    case .success: #expect(isPossible)
    case .failure(let mismatches):
      #expect(!isPossible)
      #expect(mismatches.all == [.unsupportedStorage(device: "vda")])
    }
  }
}
