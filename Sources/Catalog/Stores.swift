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
  /// The hashes of keys that open something at a moment, at most so many.
  func usableKeyHashes(at time: Timestamp, limit: Int) throws(CatalogError) -> [KeyID: [UInt8]]
  /// The key that came in a key's place, the first if there are several.
  func successor(of id: KeyID) throws(CatalogError) -> KeyID?
  /// A client's keys, or all, by the time they were made.
  func keys(of client: ClientID?) throws(CatalogError) -> [APIKey]
  /// Revokes a key; a revoked one keeps its first moment.
  func revokeKey(_ id: KeyID, at time: Timestamp) throws(CatalogError)
  /// Lets a key end at a moment, unless it ends before.
  func expireKey(_ id: KeyID, at time: Timestamp) throws(CatalogError)
  /// Records when keys were used last; an earlier moment than the one that is known changes
  /// nothing, and a key that is gone is let pass.
  func recordUses(_ uses: [KeyID: Timestamp]) throws(CatalogError)
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
  /// With this primary address; nil: with any or none.
  package var primaryAddress: IPAddress?
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
    primaryAddress: IPAddress? = nil,
    includesTerminated: Bool = false,
    after: VPSID? = nil,
    limit: Int? = nil
  ) {
    self.clientID = clientID
    self.node = node
    self.name = name
    self.primaryAddress = primaryAddress
    self.includesTerminated = includesTerminated
    self.after = after
    self.limit = limit
  }
}

/// What of the catalog decides what may be done to a VPS, beside its own row.
package struct VPSStanding: Sendable, Equatable {
  /// Its unfinished data job, if any.
  package var dataJobID: JobID?
  /// Its unfinished power job, if any.
  package var powerJobID: JobID?
  /// The job that left its disks so that an operator must look at them, if one did.
  package var unsettledJobID: JobID?
  /// How many backups count against its limit.
  package var backupsUsed: Int

  /// Makes a standing.
  package init(
    dataJobID: JobID? = nil,
    powerJobID: JobID? = nil,
    unsettledJobID: JobID? = nil,
    backupsUsed: Int
  ) {
    self.dataJobID = dataJobID
    self.powerJobID = powerJobID
    self.unsettledJobID = unsettledJobID
    self.backupsUsed = backupsUsed
  }
}

/// The VPSs.
package protocol VPSStore {
  /// Adds a VPS; one unterminated VPS per domain and node.
  func insert(_ vps: VPS) throws(CatalogError)
  /// A VPS by identifier, terminated or not.
  func vps(_ id: VPSID) throws(CatalogError) -> VPS?
  /// What jobs and backups it has, at the price of one statement however many they are.
  func standing(of id: VPSID) throws(CatalogError) -> VPSStanding
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
  /// How many backups of a VPS are in these states.
  func countBackups(of vps: VPSID, in states: Set<BackupState>) throws(CatalogError) -> Int
  /// All backups in these states, oldest first, for start-up and housekeeping.
  func backups(in states: Set<BackupState>) throws(CatalogError) -> [Backup]
  /// Changes state, note, snapshot path, contents and expiry.
  func update(_ backup: Backup) throws(CatalogError)
  /// Removes the row; refused by the schema while a hold points at it.
  func deleteBackup(_ id: BackupID) throws(CatalogError)
}

/// Host space that is promised to jobs which haven't taken it yet.
package protocol ReservationStore {
  /// Keeps space for a job.
  func insert(_ reservation: SpaceReservation) throws(CatalogError)
  /// What all unfinished jobs together still have to get of a node's file system.
  func reservedBytes(node: String, fileSystem: String) throws(CatalogError) -> Int64
  /// What one job still has to get of a file system.
  func reservedBytes(of job: JobID, fileSystem: String) throws(CatalogError) -> Int64
  /// Keeps at least as much for a job as this says.
  func raise(to reservation: SpaceReservation) throws(CatalogError)
  /// Lets go of all that is kept for a job.
  func releaseReservations(of job: JobID) throws(CatalogError)
  /// Takes what a job has now off what is kept for it; its end lets go of the rest.
  func reduceReservation(of job: JobID, fileSystem: String, by bytes: Int64) throws(CatalogError)
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
