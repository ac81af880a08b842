import Catalog
import Disks
import Model

/// The room that clones may come to take, when their guests write to what they share.
struct CloneRoom: Sendable {
  /// Where.
  var fileSystem: String
  /// What the clone may come to take.
  var unsharedBytes: Int64
  /// How much of that wasn't promised to the job before.
  var addedBytes: Int64

  /// Promises a job room for what its clones share, in a transaction that sees all other promises.
  ///
  /// The job's own promise for what it stages counts as well: what is written into a clone
  /// takes the blocks that were shared.
  ///
  /// - Returns: How much wasn't promised to the job before; nil when the room is promised to others: then
  ///   nothing has changed.
  static func promise(
    _ bytes: Int64,
    to job: Job,
    in space: FreeSpace,
    beside reserve: FreeReserve,
    _ transaction: any CatalogTransaction
  ) throws -> Int64? {
    let owed = try transaction.owedBytes(node: job.node, fileSystem: space.fileSystem)
    let own = try transaction.reservedBytes(of: job.id, fileSystem: space.fileSystem)
    let wanted = max(own, bytes)
    guard space.stageBytes(beside: reserve) - (owed - own) >= wanted else { return nil }
    guard wanted > own else { return 0 }
    try transaction.raise(
      to: SpaceReservation(
        jobID: job.id,
        node: job.node,
        fileSystem: space.fileSystem,
        bytes: wanted
      )
    )
    return wanted - own
  }
}
