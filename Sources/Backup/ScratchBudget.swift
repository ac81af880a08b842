import Catalog
import Disks
import Jobs
import Model
import Synchronization

/// How much of the host the scratch files of a session may take, disk by disk.
struct ScratchBudget: Sendable, Equatable {
  /// The bytes of each disk, in the order of the disks.
  var bytes: [Int64]

  /// Takes a budget as it is.
  init(bytes: [Int64]) {
    self.bytes = bytes
  }

  /// Sets a budget: a share of each disk, at least `minimum` and at most the disk, all of them
  /// within what the file system has.
  ///
  /// - Returns: nil if so little is free that a guest's first writes would fill it.
  init?(sizes: [Int64], freeBytes: Int64, minimum: Int64) {
    let wanted = sizes.map { size in
      min(size, max(minimum, Int64(Double(size) * Limits.scratchShare)))
    }
    let total = wanted.reduce(0, +)
    let available = freeBytes - Limits.scratchFreeFloor
    guard available >= min(total, Limits.scratchSmallest) else { return nil }
    let scale = total > available ? Double(available) / Double(total) : 1
    bytes = wanted.map { Int64(Double($0) * scale) }
  }

  /// What came of asking for a budget.
  enum Reservation: Sendable, Equatable {
    case budget(ScratchBudget)
    /// There is room, but others were promised it.
    case promisedAway
    case full
  }

  /// Sets a budget and promises it to the job: neither does it take what others were promised before,
  /// nor they what it was.
  ///
  /// A budget that takes all that is left is promised by half, so that who comes next isn't kept from
  /// beginning by what may never be written. What the files have grown by counts twice until the
  /// promise ends.
  static func reserve(
    _ sizes: [Int64],
    of job: Job,
    in space: FreeSpace,
    minimum: Int64,
    _ transaction: any CatalogTransaction
  ) throws(CatalogError) -> Reservation {
    // An earlier attempt's, whose files are gone.
    try transaction.releaseReservations(of: job.id)
    let owed = try transaction.owedBytes(node: job.node, fileSystem: space.fileSystem)
    func budget(_ freeBytes: Int64) -> ScratchBudget? {
      ScratchBudget(sizes: sizes, freeBytes: freeBytes, minimum: minimum)
    }
    guard let budget = budget(space.freeBytes - owed) else {
      return budget(space.freeBytes) == nil ? .full : .promisedAway
    }
    let promised = min(budget.bytes.reduce(0, +), (space.freeBytes - owed) / 2)
    if promised > 0 {
      try transaction.insert(
        SpaceReservation(
          jobID: job.id,
          node: job.node,
          fileSystem: space.fileSystem,
          bytes: promised
        )
      )
    }
    return .budget(budget)
  }
}

extension BackupRun {
  /// Promises the session's scratch files room, under the lease: whoever was overtaken must not take
  /// back what his successor was promised.
  func reserveScratch(for session: SessionPlan) async throws(BackupStop) -> ScratchBudget {
    let space = try await fromDisks { () async throws(DiskError) in
      try await FreeSpace.at(session.directory)
    }
    let sizes = session.seen.disks.map { $0.sizeBytes ?? Limits.scratchSmallest }
    let reservation = Mutex<ScratchBudget.Reservation>(.full)
    let (job, minimum) = (job, parts.settings.scratchMinimumBytes)
    try await recordScratch { transaction in
      let made = try ScratchBudget.reserve(sizes, of: job, in: space, minimum: minimum, transaction)
      reservation.withLock { $0 = made }
    }
    switch reservation.withLock({ $0 }) {
    case .budget(let budget): return budget
    case .promisedAway:
      throw .because(
        .scratchFull,
        "The room for what the guest writes while its disks are read is promised to other jobs.",
        isTransient: true
      )
    case .full:
      throw .because(
        .scratchFull,
        "The host has no room for what the guest writes while its disks are read."
      )
    }
  }

  /// Lets go of what the scratch files were promised, for they are gone.
  func releaseScratch() async throws(BackupStop) {
    let jobID = job.id
    try await recordScratch { try $0.releaseReservations(of: jobID) }
  }

  private func recordScratch(
    _ change: @escaping @Sendable (any CatalogTransaction) throws -> Void
  ) async throws(BackupStop) {
    try await fromJournal { () async throws(JobInterruption) in
      try await context.record(
        BackupStep.scratch.rawValue,
        .done,
        detail: [String: String](),
        also: change
      )
    }
  }
}
