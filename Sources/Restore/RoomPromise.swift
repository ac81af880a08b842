import Catalog
import Jobs
import Model

/// What came of asking for room.
enum RoomPromise: Sendable, Equatable {
  /// The job has it; so much of it wasn't promised to it before.
  case made(addedBytes: Int64)
  /// So much is missing beside what others were promised: nothing has changed.
  case missing(bytes: Int64)

  /// Promises a job that it finds `bytes` in all on a file system, in a transaction that sees all other
  /// promises.
  ///
  /// - Parameters:
  ///   - bytes: All that the job may come to take there, what it was promised before among it.
  ///   - job: Whom.
  ///   - fileSystem: Where.
  ///   - room: What is free there, beside what is kept for guests.
  ///   - transaction: The catalog.
  /// - Returns: What came of it.
  /// - Throws: What the catalog says.
  static func make(
    _ bytes: Int64,
    to job: Job,
    in fileSystem: String,
    of room: Int64,
    _ transaction: any CatalogTransaction
  ) throws(CatalogError) -> RoomPromise {
    let owed = try transaction.owedBytes(node: job.node, fileSystem: fileSystem)
    let own = try transaction.reservedBytes(of: job.id, fileSystem: fileSystem)
    let wanted = max(own, bytes)
    let available = room - (owed - own)
    guard wanted <= available else { return .missing(bytes: wanted - available) }
    guard wanted > own else { return .made(addedBytes: 0) }
    try transaction.raise(
      to: SpaceReservation(jobID: job.id, node: job.node, fileSystem: fileSystem, bytes: wanted)
    )
    return .made(addedBytes: wanted - own)
  }
}

extension RestoreRun {
  /// Promises this job that it finds `bytes` in all on a file system.
  func promise(
    _ bytes: Int64,
    in fileSystem: String,
    of room: Int64
  ) async throws(StepStop) -> RoomPromise {
    let job = job
    return try await fromJournal { () async throws(JobInterruption) in
      try await context.change { transaction in
        try RoomPromise.make(bytes, to: job, in: fileSystem, of: room, transaction)
      }
    }
  }

  /// Lets go of all that this job was promised.
  func releaseRoom() async throws(StepStop) {
    let id = job.id
    try await fromJournal { () async throws(JobInterruption) in
      try await context.change { try $0.releaseReservations(of: id) }
    }
  }
}
