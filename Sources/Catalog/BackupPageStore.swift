package import Model

/// A backup's place among a VPS's, which are listed newest first.
package struct BackupPlace: Sendable, Equatable {
  /// When it was asked for.
  package var createdAt: Timestamp
  /// Which of those of one moment it is.
  package var id: BackupID

  /// Makes a place.
  package init(createdAt: Timestamp, id: BackupID) {
    self.createdAt = createdAt
    self.id = id
  }
}

/// A client's VPS, and whether it has backups.
package struct BackupOwner: Sendable, Equatable {
  /// The VPS, terminated or not.
  package var vpsID: VPSID
  /// Whether a backup of it is in one of the states that were asked for.
  package var hasBackups: Bool

  /// Makes an owner.
  package init(vpsID: VPSID, hasBackups: Bool) {
    self.vpsID = vpsID
    self.hasBackups = hasBackups
  }
}

/// Parts of lists of backups, at a price that doesn't grow with what isn't asked for.
package protocol BackupPageStore {
  /// A VPS's backups in these states, newest first, from behind a place on.
  func backups(
    of vps: VPSID,
    in states: Set<BackupState>,
    after place: BackupPlace?,
    limit: Int
  ) throws(CatalogError) -> [Backup]
  /// A schedule's complete backups, newest first, without what they hold.
  func completeBackups(ofSchedule id: ScheduleID) throws(CatalogError) -> [BackupID]
  /// A client's VPSs in the order of their identifiers, from one on, this one included.
  func backupOwners(
    ofClient client: ClientID,
    in states: Set<BackupState>,
    from vps: VPSID?,
    limit: Int
  ) throws(CatalogError) -> [BackupOwner]
}
