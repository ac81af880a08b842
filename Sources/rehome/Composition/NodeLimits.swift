import Disks
import Model

/// How much of its host a node's worker takes: the settings that may change while it runs.
struct NodeLimits: Sendable {
  /// How many data jobs run at the same time.
  let concurrency: Adjustable<Int>
  /// What all backups read together in a second.
  let backupRate: RateLimiter
  /// How urgent a backup's disk I/O is.
  let backupPriority: Adjustable<IOPriority>
  /// What all restores move together in a second.
  let restoreRate: RateLimiter
  /// How urgent a restore's disk I/O is.
  let restorePriority: Adjustable<IOPriority>
  /// What verification reads in a second.
  let verifyRate: RateLimiter

  /// Begins as the settings say.
  init(_ settings: Settings) {
    concurrency = Adjustable(settings.worker.concurrency)
    backupRate = RateLimiter(bytesPerSecond: settings.backup.bytesPerSecond)
    backupPriority = Adjustable(settings.backup.ioPriority)
    restoreRate = RateLimiter(bytesPerSecond: settings.restore.bytesPerSecond)
    restorePriority = Adjustable(settings.restore.ioPriority)
    verifyRate = RateLimiter(bytesPerSecond: settings.care.verifyBytesPerSecond)
  }

  /// Goes on as the settings say now, also for jobs that run.
  ///
  /// A job that has a limit of its own keeps it. Where fewer jobs may run than do, none is stopped.
  func apply(_ settings: Settings) {
    concurrency.set(settings.worker.concurrency)
    backupRate.setRate(settings.backup.bytesPerSecond)
    backupPriority.set(settings.backup.ioPriority)
    restoreRate.setRate(settings.restore.bytesPerSecond)
    restorePriority.set(settings.restore.ioPriority)
    verifyRate.setRate(settings.care.verifyBytesPerSecond)
  }

  /// The limits as they are now, for the log.
  var words: String {
    [
      "worker.concurrency=\(concurrency.value)",
      "backup.rate=\(RateText.of(backupRate.bytesPerSecond))",
      "backup.ioPriority=\(backupPriority.value.rawValue)",
      "restore.rate=\(RateText.of(restoreRate.bytesPerSecond))",
      "restore.ioPriority=\(restorePriority.value.rawValue)",
      "datastore.verifyRate=\(RateText.of(verifyRate.bytesPerSecond))",
    ].joined(separator: " ")
  }
}
