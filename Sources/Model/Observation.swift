/// The firmware a machine boots with.
///
/// Stored: append only.
package enum Firmware: String, Sendable, Codable {
  case bios, uefi
  /// UEFI that demands signed boot loaders.
  case uefiSecureBoot = "uefi-secure-boot"
}

/// What a domain's disk stands on.
///
/// Stored: append only.
package enum StorageKind: String, Sendable, Codable {
  case file, block, network, other
}

/// What a domain is busy with besides running.
///
/// Stored: append only.
package enum DomainActivity: String, Sendable, Codable {
  case none, backup, migration
  case blockJob = "block_job"
  case other
}

/// One data disk of a domain as its host sees it.
package struct ObservedDisk: Sendable, Equatable, Codable {
  /// The device's name in the domain, such as `vda`.
  package var device: String
  /// The bus, such as `virtio`, `scsi`, `sata`.
  package var bus: String
  /// What it stands on.
  package var storage: StorageKind
  /// The image format of the domain's XML, such as `raw` or `qcow2`.
  package var format: String
  /// Where it is.
  package var path: String
  /// The size that the guest sees; nil when it can't be told.
  package var sizeBytes: Int64?
  /// The guest's logical block size.
  package var logicalBlockSize: Int
  /// The device's place in the boot order; nil when none is set.
  package var bootOrder: Int?
  /// Why its file can't be exchanged; nil when it can.
  package var obstacle: DiskObstacle?
  /// Free space of the file system it is on, beyond what guests there keep; nil when it can't be told.
  package var freeBytes: Int64?
  /// The file system it is on, as the host names it; nil when it can't be told.
  package var fileSystem: String?

  /// Makes a disk's facts.
  package init(
    device: String,
    bus: String,
    storage: StorageKind,
    format: String,
    path: String,
    sizeBytes: Int64?,
    logicalBlockSize: Int = 512,
    bootOrder: Int? = nil,
    obstacle: DiskObstacle? = nil,
    freeBytes: Int64? = nil,
    fileSystem: String? = nil
  ) {
    self.device = device
    self.bus = bus
    self.storage = storage
    self.format = format
    self.path = path
    self.sizeBytes = sizeBytes
    self.logicalBlockSize = logicalBlockSize
    self.bootOrder = bootOrder
    self.obstacle = obstacle
    self.freeBytes = freeBytes
    self.fileSystem = fileSystem
  }
}

/// Why a disk's file can't be exchanged.
///
/// Stored: append only.
package enum DiskObstacle: String, Sendable, Codable {
  /// It has a backing file, a data file, or internal snapshots.
  case backingChain = "backing_chain"
  /// Another domain uses it, or it is declared shareable.
  case shared
  /// It isn't a regular file with one name on a file system that can exchange.
  case unsupportedStorage = "unsupported_storage"
  /// Its header is malformed or asks for what Rehome doesn't open.
  case hostile
}

/// The operating system of a guest, in its own words.
package struct OperatingSystem: Sendable, Equatable, Codable {
  /// The name for people, such as `Debian GNU/Linux 12 (bookworm)`.
  package var displayName: String
  /// The distribution or system, such as `debian` or `windows`.
  package var family: String
  /// The version, such as `12`; nil when it has none.
  package var version: String?
  /// The variant, such as `server`; nil when it has none.
  package var variant: String?

  /// Makes a system's facts.
  package init(displayName: String, family: String, version: String?, variant: String?) {
    self.displayName = displayName
    self.family = family
    self.version = version
    self.variant = variant
  }
}

/// What only a host knows about a VPS: seen by its worker, stored, used by gates and acceptance.
package struct Observation: Sendable, Equatable, Codable {
  /// When the worker looked.
  package var observedAt: Timestamp
  /// Whether libvirt has no such domain, or one of another UUID under its name.
  package var isMissing: Bool
  /// What the machine does.
  package var powerState: PowerState
  /// Whether the domain has a persistent definition.
  package var isPersistent: Bool
  /// Whether libvirt keeps its memory in a managed-save image.
  package var hasSavedState: Bool
  /// How many libvirt snapshots it has.
  package var snapshotCount: Int
  /// Checkpoints that aren't Rehome's.
  package var foreignCheckpoints: [String]
  /// Rehome's own checkpoints; nil in observations of older versions.
  package var ownCheckpoints: [String]?
  /// What else is going on with it.
  package var activity: DomainActivity
  /// Whether live and persistent definition name the same disks and interfaces.
  package var definitionsAgree: Bool
  /// What it boots with.
  package var firmware: Firmware
  /// Whether it keeps the state of a TPM on the host.
  package var hasTPM: Bool
  /// Writable, unshared data disks in the order of the XML.
  package var disks: [ObservedDisk]
  /// The MAC addresses of its interfaces, in order.
  package var macAddresses: [String]
  /// Number of virtual processors.
  package var cpuCores: Int
  /// Memory in bytes.
  package var memoryBytes: Int64
  /// What its guest runs; nil while its agent hasn't told.
  package var operatingSystem: OperatingSystem?

  /// Makes an observation; the defaults describe a quiet domain.
  package init(
    observedAt: Timestamp,
    isMissing: Bool = false,
    powerState: PowerState,
    isPersistent: Bool = true,
    hasSavedState: Bool = false,
    snapshotCount: Int = 0,
    foreignCheckpoints: [String] = [],
    ownCheckpoints: [String]? = nil,
    activity: DomainActivity = .none,
    definitionsAgree: Bool = true,
    firmware: Firmware = .bios,
    hasTPM: Bool = false,
    disks: [ObservedDisk] = [],
    macAddresses: [String] = [],
    cpuCores: Int = 1,
    memoryBytes: Int64 = 0,
    operatingSystem: OperatingSystem? = nil
  ) {
    self.observedAt = observedAt
    self.isMissing = isMissing
    self.powerState = powerState
    self.isPersistent = isPersistent
    self.hasSavedState = hasSavedState
    self.snapshotCount = snapshotCount
    self.foreignCheckpoints = foreignCheckpoints
    self.ownCheckpoints = ownCheckpoints
    self.activity = activity
    self.definitionsAgree = definitionsAgree
    self.firmware = firmware
    self.hasTPM = hasTPM
    self.disks = disks
    self.macAddresses = macAddresses
    self.cpuCores = cpuCores
    self.memoryBytes = memoryBytes
    self.operatingSystem = operatingSystem
  }

  /// All its disks together, as the guest sees them.
  package var storageBytes: Int64 { disks.reduce(0) { $0 + ($1.sizeBytes ?? 0) } }
}
