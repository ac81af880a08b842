import Catalog
import Model

/// Whose disk a target has had when, as far as nobody has seen the guest on it with the target's addresses.
///
/// Another VPS's disk that was never confirmed may come back: by the undo of a later restore, by a rollback,
/// in a backup that was made of the target meanwhile. It then boots behind a filter again.
struct FirstBootHistory: Sendable {
  /// The restore whose disk was there from a moment on; nil: the target's own, or one that was confirmed.
  private var moments: [(from: Timestamp, disk: Job?)] = []
  private var formerDisks: [JobID: Job?] = [:]
  /// The job that was the last to bring a disk; nil: none has.
  let mover: Job?
  /// When the last of the jobs ended, whatever it did.
  let endedAt: Timestamp?

  /// Reads it out of the jobs of a VPS that are over, in any order.
  ///
  /// - Parameters:
  ///   - jobs: The jobs.
  ///   - backups: When a backup was made; nil for one that is gone.
  /// - Throws: What `backups` throws.
  init(
    _ jobs: [Job],
    backups: (BackupID) throws(CatalogError) -> Timestamp?
  ) throws(CatalogError) {
    endedAt = jobs.compactMap(\.finishedAt).max()
    let ended = jobs.filter(\.hasMovedDisks).sorted {
      ($0.finishedAt ?? .never, $0.createdAt) < ($1.finishedAt ?? .never, $1.createdAt)
    }
    mover = ended.last
    for job in ended {
      let now = standing
      formerDisks[job.id] = now
      let after = try disk(after: job, backups)
      // Nobody knows which of the two is there.
      let isUnknown = job.failure?.left == .needsOperator
      moments.append((job.finishedAt ?? .never, isUnknown ? after ?? now : after))
    }
  }

  /// The restore whose unconfirmed disk the target has.
  var standing: Job? { moments.last?.disk }

  /// What a target had before a restore, which its undo brings back.
  func disk(before restore: JobID) -> Job? { formerDisks[restore] ?? nil }

  /// What it had at a moment, and so what a backup made then is of.
  func disk(at time: Timestamp) -> Job? { moments.last { $0.from <= time }?.disk }

  private func disk(
    after job: Job,
    _ backups: (BackupID) throws(CatalogError) -> Timestamp?
  ) throws(CatalogError) -> Job? {
    switch job.task {
    case .restore(let task) where task.sourceVPSID != job.vpsID:
      return job.isConfirmed ? nil : job
    case .restore(let task):
      return job.isConfirmed ? nil : try backups(task.backupID).flatMap { disk(at: $0) }
    case .undo(let task): return job.isConfirmed ? nil : disk(before: task.restoreJobID)
    case .backup, .power: return standing
    }
  }
}

extension Job {
  /// Whether its target has another disk since.
  fileprivate var hasMovedDisks: Bool {
    guard task.changesDisks else { return false }
    switch failure?.left {
    case .newDiskRunning, .newDiskNotRunning, .needsOperator: return true
    case .untouched, .rolledBack, .rolledBackNotRunning, .notRunning: return false
    case nil: return state == .completed
    }
  }

  fileprivate var isConfirmed: Bool {
    switch result {
    case .restore(let result): result.network.confirmed
    case .undo(let result): result.network.confirmed
    case .backup, .power, nil: false
    }
  }
}

extension CatalogTransaction {
  /// What disks a VPS has had.
  func firstBootHistory(of vps: VPSID) throws(CatalogError) -> FirstBootHistory {
    let changes = JobFilter(
      vpsID: vps,
      kinds: [.restore, .undo],
      states: [.completed, .failed, .cancelled],
      limit: Limits.filterJobs
    )
    return try FirstBootHistory(try jobs(changes)) { id throws(CatalogError) in
      try backup(id)?.createdAt
    }
  }
}
