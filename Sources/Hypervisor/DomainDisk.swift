/// One disk of a domain, as its XML describes it.
package struct DomainDisk: Sendable, Equatable {
  /// What stands behind the disk.
  package enum SourceType: String, Sendable, Codable {
    case file
    case block
    case network
    case volume
    /// Anything else (a folder, NVMe, vhost-user).
    case other
  }

  /// What the guest sees.
  package enum Device: String, Sendable, Codable {
    case disk
    case cdrom
    case lun
    case floppy
  }

  /// The name in the definition, such as `vda`, unique in the domain.
  package let targetDevice: String
  /// How it is plugged in, such as `virtio`, `scsi` or `sata`.
  package let bus: String
  /// What the guest sees.
  package let device: Device
  /// What stands behind it.
  package let sourceType: SourceType
  /// The path; `pool/volume` or `protocol:name` where there is none; nil if no medium is in.
  package let sourcePath: String?
  /// The image's format as the definition says it, such as `raw` or `qcow2`.
  package let format: String
  /// Whether the guest cannot write.
  package let isReadOnly: Bool
  /// Whether several domains may use it at once.
  package let isShareable: Bool
  /// The image underneath, if the XML names one.
  package let backingPath: String?
  /// Whether a qcow2's data lies in a file of its own.
  package let hasDataStore: Bool
  /// The sector size the guest sees, if the XML sets it.
  package let logicalBlockSize: Int?
  /// The serial number the guest sees.
  package let serial: String?
  /// The disk's place in the boot order, 1 first.
  package let bootOrder: Int?
  /// The element's own XML, for device calls.
  package let xml: String

  /// Makes a disk from its parts.
  package init(
    targetDevice: String,
    bus: String = "virtio",
    device: Device = .disk,
    sourceType: SourceType = .file,
    sourcePath: String?,
    format: String = "raw",
    isReadOnly: Bool = false,
    isShareable: Bool = false,
    backingPath: String? = nil,
    hasDataStore: Bool = false,
    logicalBlockSize: Int? = nil,
    serial: String? = nil,
    bootOrder: Int? = nil,
    xml: String = ""
  ) {
    self.targetDevice = targetDevice
    self.bus = bus
    self.device = device
    self.sourceType = sourceType
    self.sourcePath = sourcePath
    self.format = format
    self.isReadOnly = isReadOnly
    self.isShareable = isShareable
    self.backingPath = backingPath
    self.hasDataStore = hasDataStore
    self.logicalBlockSize = logicalBlockSize
    self.serial = serial
    self.bootOrder = bootOrder
    self.xml = xml
  }

  /// Whether the running and the defined form of a disk name the same thing.
  ///
  /// What libvirt only fills in while the guest runs (aliases, addresses, the backing chain that it
  /// found) does not count.
  func agrees(with other: DomainDisk) -> Bool {
    targetDevice == other.targetDevice && bus == other.bus && device == other.device
      && sourceType == other.sourceType && sourcePath == other.sourcePath
      && format == other.format && isReadOnly == other.isReadOnly
      && isShareable == other.isShareable
  }
}

extension DomainDisk {
  /// Whether it holds a guest's data: writable, its own, and a disk.
  package var isDataDisk: Bool {
    device == .disk && !isReadOnly && !isShareable && sourcePath != nil
  }
}
