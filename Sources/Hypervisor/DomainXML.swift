import Foundation

/// What the XML of a domain says, as far as it matters here.
package struct DomainXML: Sendable, Equatable {
  /// The user and group that QEMU runs as.
  package struct ProcessOwner: Sendable, Equatable {
    /// The numeric user id.
    package let userID: UInt32
    /// The numeric group id.
    package let groupID: UInt32

    /// Makes an owner from its ids.
    package init(userID: UInt32, groupID: UInt32) {
      self.userID = userID
      self.groupID = groupID
    }
  }

  /// The domain's name.
  package var name: String
  /// The domain's UUID, in lowercase text form.
  package var uuid: String
  /// The disks of what runs now, or of the definition if nothing does.
  package var disks: [DomainDisk]
  /// The disks of the next start.
  package var inactiveDisks: [DomainDisk]
  /// The network cards of what runs now, or of the definition if nothing does.
  package var interfaces: [DomainInterface]
  /// The network cards of the next start.
  package var inactiveInterfaces: [DomainInterface]
  /// What the next start boots with.
  package var firmware: DomainFirmware
  /// The file with the UEFI's variables, if the definition names one.
  package var nvramPath: String?
  /// Whether a TPM keeps state outside the disks.
  package var hasPersistentTPM: Bool
  /// The generation id that the guest sees.
  package var generationID: String?
  /// Whether the guest agent has a channel to speak through.
  package var hasAgentChannel: Bool
  /// Whether an agent has opened its end of the channel.
  package var isAgentConnected: Bool
  /// Whom the sockets and scratch files of a running QEMU must be open to; nil if libvirt doesn't say.
  package var processOwner: ProcessOwner?
  /// How many virtual processors the next start gives it.
  package var processorCount: Int
  /// How much memory the next start gives it.
  package var memoryBytes: Int64

  /// Makes the meaning of a definition without its text, for tests and simulations.
  package init(
    name: String,
    uuid: String,
    disks: [DomainDisk],
    interfaces: [DomainInterface] = [],
    firmware: DomainFirmware = .bios,
    hasAgentChannel: Bool = true,
    isAgentConnected: Bool = false,
    processorCount: Int = 1,
    memoryBytes: Int64 = 256 << 20
  ) {
    self.name = name
    self.uuid = uuid.lowercased()
    self.disks = disks
    inactiveDisks = disks
    self.interfaces = interfaces
    inactiveInterfaces = interfaces
    self.firmware = firmware
    hasPersistentTPM = false
    self.hasAgentChannel = hasAgentChannel
    self.isAgentConnected = isAgentConnected
    self.processorCount = processorCount
    self.memoryBytes = memoryBytes
  }

  /// Reads a domain's XML.
  ///
  /// - Parameters:
  ///   - live: What runs now; nil if nothing does.
  ///   - inactive: The definition for the next start.
  /// - Returns: What both say.
  /// - Throws: ``HypervisorError/invalidXML(_:)`` if one of them is no sound domain.
  package static func parse(
    live: String?,
    inactive: String
  ) throws(HypervisorError) -> DomainXML {
    let defined = try XMLTree(parsing: inactive, root: "domain")
    var running: XMLTree?
    if let live { running = try XMLTree(parsing: live, root: "domain") }
    return try DomainXML(running: running, defined: defined)
  }

  /// Whether what runs now and the definition have the same disks and network cards, in any order.
  package var definitionsAgree: Bool {
    Self.sameSet(disks, inactiveDisks) { $0.agrees(with: $1) }
      && Self.sameSet(interfaces, inactiveInterfaces) { $0.agrees(with: $1) }
  }

  private static func sameSet<Element>(
    _ left: [Element],
    _ right: [Element],
    by agree: (Element, Element) -> Bool
  ) -> Bool {
    left.count == right.count
      && left.allSatisfy { one in right.contains { agree(one, $0) } }
      && right.allSatisfy { one in left.contains { agree(one, $0) } }
  }
}

extension DomainXML {
  private init(running: XMLTree?, defined: XMLTree) throws(HypervisorError) {
    guard let name = defined.text(of: "name"), let uuid = defined.text(of: "uuid") else {
      throw .invalidXML("a domain without a name or UUID")
    }
    let current = running ?? defined
    self.name = name
    self.uuid = uuid.lowercased()
    disks = try Self.disks(of: current)
    inactiveDisks = try Self.disks(of: defined)
    interfaces = try Self.interfaces(of: current)
    inactiveInterfaces = try Self.interfaces(of: defined)
    firmware = Self.firmware(of: defined)
    nvramPath = Self.nvramPath(of: defined)
    hasPersistentTPM = defined.child("devices")?.child("tpm") != nil
    generationID = defined.text(of: "genid")
    let channel = Self.agentChannel(of: current)
    hasAgentChannel = channel != nil
    isAgentConnected = running != nil && channel?.attributes["state"] == "connected"
    processOwner = running.flatMap(Self.processOwner)
    processorCount = Self.processorCount(of: defined)
    memoryBytes = Self.memoryBytes(of: defined)
  }

  private static func firmware(of domain: XMLTree) -> DomainFirmware {
    guard let system = domain.child("os") else { return .bios }
    let loader = system.child("loader")
    let isChosenByLibvirt = system.attributes["firmware"] == "efi"
    // A loader that is no flash image is a BIOS ROM.
    guard isChosenByLibvirt || loader?.attributes["type"] == "pflash" else { return .bios }
    let features = system.child("firmware")?.elements("feature") ?? []
    let secureBoot =
      loader?.attributes["secure"] == "yes"
      || features.contains {
        $0.attributes["name"] == "secure-boot" && $0.attributes["enabled"] == "yes"
      }
    return .uefi(loader: loader?.trimmedText, secureBoot: secureBoot)
  }

  private static func processorCount(of domain: XMLTree) -> Int {
    let element = domain.child("vcpu")
    return (element?.attributes["current"] ?? element?.trimmedText).flatMap { Int($0) } ?? 1
  }

  private static func memoryBytes(of domain: XMLTree) -> Int64 {
    guard let element = domain.child("memory"),
      let count = element.trimmedText.flatMap({ Int64($0) })
    else { return 0 }
    // libvirt writes KiB whatever it was given.
    let unit: Int64 =
      switch element.attributes["unit"] {
      case "b", "bytes": 1
      case "MiB", "M": 1 << 20
      case "GiB", "G": 1 << 30
      default: 1 << 10
      }
    return count.multipliedReportingOverflow(by: unit).partialValue
  }

  private static func nvramPath(of domain: XMLTree) -> String? {
    guard let nvram = domain.child("os")?.child("nvram") else { return nil }
    return nvram.child("source")?.attributes["file"] ?? nvram.trimmedText
  }

  private static func agentChannel(of domain: XMLTree) -> XMLTree? {
    let channels = domain.child("devices")?.elements("channel") ?? []
    return channels.compactMap { $0.child("target") }
      .first { $0.attributes["name"] == "org.qemu.guest_agent.0" }
  }

  private static func processOwner(of domain: XMLTree) -> ProcessOwner? {
    let labels = domain.elements("seclabel").filter { $0.attributes["model"] == "dac" }
    guard let text = labels.first?.text(of: "label") else { return nil }
    // For example +64055:+64055; the plus says that it is a number, not a name.
    let parts = text.split(separator: ":").map { UInt32($0.drop { $0 == "+" }) }
    guard parts.count == 2, let user = parts[0], let group = parts[1] else { return nil }
    return ProcessOwner(userID: user, groupID: group)
  }
}
