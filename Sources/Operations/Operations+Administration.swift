import Catalog
package import Model

/// A VPS as an operator registers it.
package struct VPSRegistration: Sendable {
  /// The client, by identifier or name.
  package var client: String
  /// The node it is on.
  package var node: String
  /// The libvirt domain's name.
  package var domainName: String
  /// The libvirt domain's UUID.
  package var domainUUID: String
  /// The name that the client sees.
  package var name: String
  /// The guest's host name; nil: the name.
  package var hostname: String?
  /// Its network; nil: DHCP on every interface.
  package var network: NetworkConfiguration?
  /// Its cloud-init user-data; nil: none.
  package var userData: String?
  /// The operator's seed to take over, by path; nil: there is none.
  package var adoptedSeedPath: String?
  /// How many backups it may have; nil: any number.
  package var backupLimit: Int?

  /// Makes a registration.
  package init(
    client: String,
    node: String,
    domainName: String,
    domainUUID: String,
    name: String,
    hostname: String? = nil,
    network: NetworkConfiguration? = nil,
    userData: String? = nil,
    adoptedSeedPath: String? = nil,
    backupLimit: Int? = nil
  ) {
    self.client = client
    self.node = node
    self.domainName = domainName
    self.domainUUID = domainUUID
    self.name = name
    self.hostname = hostname
    self.network = network
    self.userData = userData
    self.adoptedSeedPath = adoptedSeedPath
    self.backupLimit = backupLimit
  }
}

/// What an operator changes of a VPS; nil leaves a value as it is.
package struct VPSChanges: Sendable, Equatable {
  /// The name that the client sees.
  package var name: String?
  /// The guest's host name.
  package var hostname: String?
  /// Its network.
  package var network: NetworkConfiguration?
  /// Its cloud-init user-data.
  package var userData: String?
  /// How many backups it may have; the inner nil: any number.
  package var backupLimit: Int??

  /// Makes changes.
  package init(
    name: String? = nil,
    hostname: String? = nil,
    network: NetworkConfiguration? = nil,
    userData: String? = nil,
    backupLimit: Int?? = nil
  ) {
    self.name = name
    self.hostname = hostname
    self.network = network
    self.userData = userData
    self.backupLimit = backupLimit
  }
}

extension Operations {
  /// Registers a client.
  package func createClient(_ caller: Caller, name: String) async throws(Refusal) -> Client {
    try Self.checkName(name, pointer: "/name")
    let client = Client(id: identifiers.make(), name: name, createdAt: clock.now())
    return try await write { transaction in
      do throws(CatalogError) {
        try transaction.insert(client)
      } catch .constraint(.uniqueName) {
        throw Refusal.taken("/name", "A client with the name `\(name)` exists.")
      }
      try transaction.append(self.audit(caller, "client.create", client.id.text))
      return client
    }
  }

  /// All clients by name.
  package func clients() async throws(Refusal) -> [Client] {
    try await read { try $0.clients() }
  }

  /// Removes a client that owns nothing.
  package func deleteClient(_ caller: Caller, _ idOrName: String) async throws(Refusal) {
    try await write { transaction in
      let client = try Self.findClient(idOrName, transaction)
      do throws(CatalogError) {
        try transaction.deleteClient(client.id)
      } catch .constraint {
        throw Refusal.taken(
          "/client",
          "The client has VPSs, backups or jobs, so it can't be deleted."
        )
      }
      try transaction.append(self.audit(caller, "client.delete", client.id.text))
    }
  }

  /// Adds a node or changes its URI, as its server does at each start.
  package func registerNode(name: String, uri: String) async throws(Refusal) {
    try await write { transaction in
      guard try transaction.node(name)?.uri != uri else { return }
      try transaction.upsertNode(name: name, uri: uri)
      let entry = AuditEntry(
        at: self.clock.now(),
        actor: "worker:\(name)",
        action: "node.register",
        subject: name,
        detail: uri
      )
      try transaction.append(entry)
    }
  }

  /// Registers a libvirt domain as a VPS.
  package func addVPS(
    _ caller: Caller,
    _ registration: VPSRegistration,
    observed: Observation
  ) async throws(Refusal) -> VPS {
    try Self.checkName(registration.name, pointer: "/name")
    let hostname = registration.hostname ?? registration.name
    try Self.checkHostname(hostname)
    return try await write { transaction in
      let client = try Self.findClient(registration.client, transaction)
      let vps = VPS(
        id: self.identifiers.make(),
        clientID: client.id,
        node: registration.node,
        domainName: registration.domainName,
        domainUUID: registration.domainUUID,
        name: registration.name,
        hostname: hostname,
        network: registration.network,
        userData: registration.userData,
        adoptedSeedPath: registration.adoptedSeedPath,
        backupLimit: registration.backupLimit,
        createdAt: self.clock.now(),
        observation: observed
      )
      do throws(CatalogError) {
        try transaction.insert(vps)
      } catch .constraint(.uniqueName) {
        throw Refusal.taken(
          "/domain",
          "The domain `\(registration.domainName)` is a VPS already."
        )
      }
      try transaction.setObservation(observed, of: vps.id)
      try transaction.append(self.audit(caller, "vps.add", vps.id.text))
      return vps
    }
  }

  /// Changes what an operator may change of a VPS.
  package func editVPS(
    _ caller: Caller,
    _ id: String,
    _ changes: VPSChanges
  ) async throws(Refusal) -> VPS {
    if let name = changes.name { try Self.checkName(name, pointer: "/name") }
    if let hostname = changes.hostname { try Self.checkHostname(hostname) }
    return try await write { transaction in
      var vps = try self.find(id, for: caller, transaction)
      vps.name = changes.name ?? vps.name
      vps.hostname = changes.hostname ?? vps.hostname
      vps.network = changes.network ?? vps.network
      vps.userData = changes.userData ?? vps.userData
      if let limit = changes.backupLimit { vps.backupLimit = limit }
      try transaction.update(vps)
      try transaction.append(self.audit(caller, "vps.edit", vps.id.text))
      return vps
    }
  }

  static func findClient(
    _ idOrName: String,
    _ transaction: any CatalogTransaction
  ) throws -> Client {
    let found =
      if let id = ClientID(idOrName) { try transaction.client(id) } else {
        try transaction.client(named: idOrName)
      }
    guard let found else { throw Refusal.notFound }
    return found
  }

  static func checkName(_ name: String, pointer: String) throws(Refusal) {
    guard !name.isEmpty, name.count <= Limits.nameCharacters,
      !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
    else {
      throw .taken(
        pointer,
        "A name has 1 to \(Limits.nameCharacters) characters, none of them control."
      )
    }
  }

  /// RFC 1123: it goes into the guest's configuration, so nothing else may stand in it.
  private static func checkHostname(_ hostname: String) throws(Refusal) {
    let labels = hostname.split(separator: ".", omittingEmptySubsequences: false)
    let isValid =
      hostname.utf8.count <= 253
      && labels.allSatisfy { label in
        (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
          && label.utf8.allSatisfy(Self.isHostnameByte)
      }
    guard isValid else {
      throw .taken(
        "/hostname",
        "`\(hostname.prefix(64))` isn't a host name: letters, digits, hyphens and dots only. "
          + "Give one with --hostname."
      )
    }
  }

  private static func isHostnameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}

extension Refusal {
  /// A value that is taken or not allowed.
  static func taken(_ pointer: String, _ detail: String) -> Refusal {
    .invalidRequest([Fault(pointer: pointer, code: .invalidValue, detail: detail)])
  }
}
