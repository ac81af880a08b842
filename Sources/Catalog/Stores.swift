package import Model

/// The clients.
package protocol ClientStore {
  /// Adds a client; its name is unique.
  func insert(_ client: Client) throws(CatalogError)
  /// The client with an identifier.
  func client(_ id: ClientID) throws(CatalogError) -> Client?
  /// The client with a name.
  func client(named name: String) throws(CatalogError) -> Client?
  /// All clients by name.
  func clients() throws(CatalogError) -> [Client]
  /// Removes a client that owns nothing.
  func deleteClient(_ id: ClientID) throws(CatalogError)
}

/// The API keys; only the SHA-256 of a key's text is kept.
package protocol KeyStore {
  /// Adds a key with the hash of its text.
  func insert(_ key: APIKey, hash: [UInt8]) throws(CatalogError)
  /// A key and its hash.
  func key(_ id: KeyID) throws(CatalogError) -> (key: APIKey, hash: [UInt8])?
  /// A client's keys, or all, by the time they were made.
  func keys(of client: ClientID?) throws(CatalogError) -> [APIKey]
  /// Revokes a key; a revoked one keeps its first moment.
  func revokeKey(_ id: KeyID, at time: Timestamp) throws(CatalogError)
}

/// One hypervisor host.
package struct Node: Sendable, Equatable {
  /// Its name, unique.
  package var name: String
  /// Its libvirt URI.
  package var uri: String
  /// When its worker was last alive; nil: never.
  package var heartbeatAt: Timestamp?

  /// Makes a node's record.
  package init(name: String, uri: String, heartbeatAt: Timestamp? = nil) {
    self.name = name
    self.uri = uri
    self.heartbeatAt = heartbeatAt
  }
}

/// The nodes.
package protocol NodeStore {
  /// Adds a node or changes its URI.
  func upsertNode(name: String, uri: String) throws(CatalogError)
  /// Records that a node's worker is alive.
  func recordHeartbeat(node: String, at time: Timestamp) throws(CatalogError)
  /// A node by name.
  func node(_ name: String) throws(CatalogError) -> Node?
  /// All nodes by name.
  func nodes() throws(CatalogError) -> [Node]
}

/// Which VPSs a list holds.
package struct VPSFilter: Sendable, Equatable {
  /// Of one client; nil: of all.
  package var clientID: ClientID?
  /// On one node; nil: on all.
  package var node: String?
  /// With this name, letter case ignored; nil: with any.
  package var name: String?
  /// Whether terminated ones are in it.
  package var includesTerminated: Bool
  /// After this one in the order of identifiers; nil: from the start.
  package var after: VPSID?
  /// At most so many; nil: all.
  package var limit: Int?

  /// Makes a filter; the defaults list everything that isn't terminated.
  package init(
    clientID: ClientID? = nil,
    node: String? = nil,
    name: String? = nil,
    includesTerminated: Bool = false,
    after: VPSID? = nil,
    limit: Int? = nil
  ) {
    self.clientID = clientID
    self.node = node
    self.name = name
    self.includesTerminated = includesTerminated
    self.after = after
    self.limit = limit
  }
}

/// The VPSs.
package protocol VPSStore {
  /// Adds a VPS; one unterminated VPS per domain and node.
  func insert(_ vps: VPS) throws(CatalogError)
  /// A VPS by identifier, terminated or not.
  func vps(_ id: VPSID) throws(CatalogError) -> VPS?
  /// VPSs in the order of their identifiers.
  func listVPS(_ filter: VPSFilter) throws(CatalogError) -> [VPS]
  /// Changes everything of a VPS but its identifier, client, creation time and observation.
  func update(_ vps: VPS) throws(CatalogError)
  /// Stores what the worker saw.
  func setObservation(_ observation: Observation, of id: VPSID) throws(CatalogError)
}

/// The backups.
package protocol BackupStore {
  /// Adds a backup.
  func insert(_ backup: Backup) throws(CatalogError)
  /// A backup by identifier.
  func backup(_ id: BackupID) throws(CatalogError) -> Backup?
  /// A VPS's backups in these states, newest first.
  func backups(of vps: VPSID, in states: Set<BackupState>) throws(CatalogError) -> [Backup]
  /// All of a client's backups in these states, newest first.
  func backups(ofClient client: ClientID, in states: Set<BackupState>) throws(CatalogError)
    -> [Backup]
  /// All backups in these states, oldest first, for start-up and housekeeping.
  func backups(in states: Set<BackupState>) throws(CatalogError) -> [Backup]
  /// Changes state, note, snapshot path, contents and expiry.
  func update(_ backup: Backup) throws(CatalogError)
  /// Removes the row; refused by the schema while a hold points at it.
  func deleteBackup(_ id: BackupID) throws(CatalogError)
}

/// What keeps backups from deletion while jobs read them.
package protocol HoldStore {
  /// Keeps a backup for a job.
  func insertHold(backup: BackupID, job: JobID) throws(CatalogError)
  /// Lets go of everything a job holds.
  func releaseHolds(of job: JobID) throws(CatalogError)
  /// The jobs that hold a backup.
  func holders(of backup: BackupID) throws(CatalogError) -> [JobID]
}

/// Who did what, for good.
package struct AuditEntry: Sendable, Equatable {
  /// When.
  package var at: Timestamp
  /// Who: `key:<id>` or `operator:<login>` or `worker:<node>`.
  package var actor: String
  /// What, such as `restore.accept`.
  package var action: String
  /// To what, an identifier.
  package var subject: String
  /// From where; nil for commands and workers.
  package var address: String?
  /// In which request; nil for commands and workers.
  package var requestID: RequestID?
  /// More, as JSON; nil: nothing more.
  package var detail: String?

  /// Makes an entry.
  package init(
    at: Timestamp,
    actor: String,
    action: String,
    subject: String,
    address: String? = nil,
    requestID: RequestID? = nil,
    detail: String? = nil
  ) {
    self.at = at
    self.actor = actor
    self.action = action
    self.subject = subject
    self.address = address
    self.requestID = requestID
    self.detail = detail
  }
}

/// The audit log: append only.
package protocol AuditStore {
  /// Adds an entry.
  func append(_ entry: AuditEntry) throws(CatalogError)
  /// The newest entries, newest first.
  func auditEntries(limit: Int) throws(CatalogError) -> [AuditEntry]
}
