/// Where a VPS stands commercially.
///
/// Stored and on the wire: append only.
package enum ServiceStatus: String, Sendable, Codable, CaseIterable {
  case active, suspended, terminated, pending, cancelled, expired, fraud, unknown
}

/// What a VPS's machine does.
///
/// Stored and on the wire: append only.
package enum PowerState: String, Sendable, Codable, CaseIterable {
  case running, stopped, starting, stopping, paused, provisioning, error, unknown
}

/// One libvirt domain that Rehome looks after.
package struct VPS: Sendable, Equatable, Codable {
  /// The public identifier.
  package var id: VPSID
  /// Whose it is.
  package var clientID: ClientID
  /// The node whose worker looks after it.
  package var node: String
  /// The libvirt domain's name on that node.
  package var domainName: String
  /// The libvirt domain's UUID: a domain of the same name made anew is another machine.
  package var domainUUID: String
  /// The name that the client sees.
  package var name: String
  /// The guest's host name, re-applied after each restore.
  package var hostname: String
  /// Where it stands commercially.
  package var serviceStatus: ServiceStatus
  /// The network that is re-applied after each restore; nil: DHCP on every interface.
  package var network: NetworkConfiguration?
  /// The VPS's own cloud-init user-data; nil: none.
  package var userData: String?
  /// The operator's seed that Rehome may take over, by path; nil: there was none.
  package var adoptedSeedPath: String?
  /// How many backups the client may keep; nil: any number.
  package var backupLimit: Int?
  /// When it was registered.
  package var createdAt: Timestamp
  /// What the node's worker saw last; nil: nothing yet.
  package var observation: Observation?

  /// Makes a VPS's record.
  package init(
    id: VPSID,
    clientID: ClientID,
    node: String,
    domainName: String,
    domainUUID: String,
    name: String,
    hostname: String,
    serviceStatus: ServiceStatus = .active,
    network: NetworkConfiguration? = nil,
    userData: String? = nil,
    adoptedSeedPath: String? = nil,
    backupLimit: Int? = nil,
    createdAt: Timestamp,
    observation: Observation? = nil
  ) {
    self.id = id
    self.clientID = clientID
    self.node = node
    self.domainName = domainName
    self.domainUUID = domainUUID
    self.name = name
    self.hostname = hostname
    self.serviceStatus = serviceStatus
    self.network = network
    self.userData = userData
    self.adoptedSeedPath = adoptedSeedPath
    self.backupLimit = backupLimit
    self.createdAt = createdAt
    self.observation = observation
  }

  /// The first address of its network without the prefix length, as shown to clients.
  package var primaryIP: String? {
    network?.addresses.first.map { String($0.prefix { $0 != "/" }) }
  }
}
