package import Model

/// What verifications found of backups.
package protocol DamageStore {
  /// Records that a backup was read, and which parts of it were bad: with any it is damaged, without
  /// it is complete. One that is being made or removed stays as it is; says whether it was recorded.
  func recordVerification(
    of id: BackupID,
    at time: Timestamp,
    damage: [DamagedPart]
  ) throws(CatalogError) -> Bool
  /// The bad parts of a backup, in the order of their names.
  func damage(of id: BackupID) throws(CatalogError) -> [DamagedPart]
  /// Complete and damaged backups on a node that were last verified, or made, before a moment, the
  /// longest ago first.
  func backupsToVerify(
    node: String,
    before time: Timestamp,
    limit: Int
  ) throws(CatalogError) -> [Backup]
}

/// The tasks on datastores.
package protocol StoreTaskStore {
  /// Adds a task and gives it its number; while one of the same node, kind and backup is unfinished,
  /// gives that one instead.
  func insert(_ task: StoreTask) throws(CatalogError) -> StoreTask
  /// A task by number.
  func storeTask(_ number: Int64) throws(CatalogError) -> StoreTask?
  /// The newest tasks of a node and kind, newest first.
  func storeTasks(
    node: String,
    kind: StoreTaskKind,
    limit: Int
  ) throws(CatalogError) -> [StoreTask]
  /// The node's oldest unfinished task, for its one worker.
  func nextStoreTask(node: String) throws(CatalogError) -> StoreTask?
  /// Changes how far a task has come, and forgets the oldest finished ones of its node and kind.
  func update(_ task: StoreTask) throws(CatalogError)
}
