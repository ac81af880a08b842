package import Model

/// The checkpoints that incremental backups count from: the newest of each VPS.
package protocol CheckpointStore {
  /// Makes a checkpoint its VPS's newest, in place of the one before.
  func setCheckpoint(_ checkpoint: Checkpoint) throws(CatalogError)
  /// A VPS's newest checkpoint.
  func checkpoint(of vps: VPSID) throws(CatalogError) -> Checkpoint?
  /// Ends a VPS's chain: its next backup reads everything.
  func deleteCheckpoint(of vps: VPSID) throws(CatalogError)
  /// Stores how a stopped VPS's disks were when they were backed up, in place of what was stored.
  func setStillDisks(_ disks: StillDisks) throws(CatalogError)
  /// How a stopped VPS's disks were when they were backed up last.
  func stillDisks(of vps: VPSID) throws(CatalogError) -> StillDisks?
}
