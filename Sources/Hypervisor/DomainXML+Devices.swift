import Foundation

extension DomainXML {
  static func disks(of domain: XMLTree) throws(HypervisorError) -> [DomainDisk] {
    var disks: [DomainDisk] = []
    for element in domain.child("devices")?.elements("disk") ?? [] {
      disks.append(try disk(element))
    }
    return disks
  }

  static func interfaces(of domain: XMLTree) throws(HypervisorError) -> [DomainInterface] {
    var interfaces: [DomainInterface] = []
    for element in domain.child("devices")?.elements("interface") ?? [] {
      interfaces.append(try interface(element))
    }
    return interfaces
  }

  static func disk(_ element: XMLTree) throws(HypervisorError) -> DomainDisk {
    let target = element.child("target")
    guard let name = target?.attributes["dev"] else {
      throw .invalidXML("a disk without a target device")
    }
    let deviceText = element.attributes["device"] ?? "disk"
    guard let device = DomainDisk.Device(rawValue: deviceText) else {
      throw .invalidXML("a disk of the unknown kind \(deviceText)")
    }
    let type = element.attributes["type"].flatMap(DomainDisk.SourceType.init) ?? .other
    let source = element.child("source")
    let backing = element.child("backingStore")?.child("source")
    return DomainDisk(
      targetDevice: name,
      bus: target?.attributes["bus"] ?? "",
      device: device,
      sourceType: type,
      sourcePath: source.flatMap(path),
      format: element.child("driver")?.attributes["type"] ?? "raw",
      isReadOnly: element.child("readonly") != nil || device == .cdrom,
      isShareable: element.child("shareable") != nil,
      backingPath: backing.flatMap(path),
      hasDataStore: source?.child("dataStore") != nil,
      logicalBlockSize: element.child("blockio")?.attributes["logical_block_size"].flatMap {
        Int($0)
      },
      serial: element.text(of: "serial"),
      bootOrder: element.child("boot")?.attributes["order"].flatMap { Int($0) },
      xml: element.xml
    )
  }

  /// The path of a source element, or what names it where there is none.
  private static func path(_ source: XMLTree) -> String? {
    if let path = source.attributes["file"] ?? source.attributes["dev"] ?? source.attributes["dir"]
    {
      return path
    }
    if let pool = source.attributes["pool"], let volume = source.attributes["volume"] {
      return "\(pool)/\(volume)"
    }
    if let scheme = source.attributes["protocol"] {
      return "\(scheme):\(source.attributes["name"] ?? "")"
    }
    return nil
  }

  private static func interface(_ element: XMLTree) throws(HypervisorError) -> DomainInterface {
    guard let mac = element.child("mac")?.attributes["address"] else {
      throw .invalidXML("a network card without an address")
    }
    let source = element.child("source")
    return DomainInterface(
      mac: mac,
      type: element.attributes["type"] ?? "",
      source: source?.attributes["network"] ?? source?.attributes["bridge"]
        ?? source?.attributes["dev"],
      linkUp: element.child("link")?.attributes["state"] != "down",
      filter: element.child("filterref")?.attributes["filter"],
      xml: element.xml
    )
  }
}

extension DomainDisk {
  /// Reads one disk's own XML, as device calls take it.
  package init(xml: String) throws(HypervisorError) {
    self = try DomainXML.disk(try XMLTree(parsing: xml, root: "disk"))
  }
}

// MARK: - Files

extension DomainXML {
  /// How a domain names a file that it uses.
  enum FileUse: Sendable, Equatable {
    case path(String)
    case volume(pool: String, volume: String)
  }

  /// Every file that a domain reads or writes as a disk, in a backing chain, or to boot from.
  static func filesUsed(in domainXML: String) throws(HypervisorError) -> [FileUse] {
    let domain = try XMLTree(parsing: domainXML, root: "domain")
    var uses: [FileUse] = []
    var elements = domain.child("devices")?.elements("disk") ?? []
    // The chain is nested: a backing store has a backing store. Mirrors are targets of copies.
    while let element = elements.popLast() {
      elements += element.elements("backingStore") + element.elements("mirror")
      guard let source = element.child("source") else { continue }
      elements += source.elements("dataStore")
      if let path = source.attributes["file"] ?? source.attributes["dev"] {
        uses.append(.path(path))
      }
      if let pool = source.attributes["pool"], let volume = source.attributes["volume"] {
        uses.append(.volume(pool: pool, volume: volume))
      }
    }
    let system = domain.child("os")
    for name in ["loader", "nvram", "kernel", "initrd"] {
      let element = system?.child(name)
      let path = element?.child("source")?.attributes["file"] ?? element?.trimmedText
      if let path { uses.append(.path(path)) }
    }
    return uses
  }
}

// MARK: - Edits

extension DomainXML {
  /// The XML of the card with this hardware address, its cable plugged in or out.
  static func interfaceXML(
    in domainXML: String,
    mac: String,
    linkUp: Bool
  ) throws(HypervisorError) -> String? {
    try interface(mac, in: domainXML, with: "link", ["state": linkUp ? "up" : "down"])
  }

  /// The XML of the card with this hardware address behind a network filter, or none.
  static func interfaceXML(
    in domainXML: String,
    mac: String,
    filter: String?
  ) throws(HypervisorError) -> String? {
    try interface(mac, in: domainXML, with: "filterref", filter.map { ["filter": $0] })
  }

  /// A card's XML with one element replaced; nil attributes: removed.
  private static func interface(
    _ mac: String,
    in domainXML: String,
    with name: String,
    _ attributes: [String: String]?
  ) throws(HypervisorError) -> String? {
    let domain = try XMLTree(parsing: domainXML, root: "domain")
    let wanted = mac.lowercased()
    let card = domain.child("devices")?.elements("interface").first {
      $0.child("mac")?.attributes["address"]?.lowercased() == wanted
    }
    guard var card else { return nil }
    card.children.removeAll { $0.name == name }
    if let attributes { card.children.append(XMLTree(name: name, attributes: attributes)) }
    return card.xml
  }

  /// The definition with another generation id; nil if it has none.
  ///
  /// It is changed as text: reading and writing it would lose comments in the metadata.
  static func withGenerationID(
    _ identifier: String,
    in domainXML: String
  ) throws(HypervisorError) -> String? {
    let domain = try XMLTree(parsing: domainXML, root: "domain")
    guard let current = domain.text(of: "genid") else { return nil }
    let parts = domainXML.components(separatedBy: "<genid>\(current)</genid>")
    guard parts.count == 2 else { throw .invalidXML("the generation id stands there twice") }
    return parts.joined(separator: "<genid>\(identifier)</genid>")
  }
}
