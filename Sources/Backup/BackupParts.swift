package import Catalog
package import Datastore
package import Disks
package import Hypervisor
package import Logging
package import Model
package import Operations

/// The moments of a backup at which a test may kill the process.
///
/// Names are stable.
package enum BackupMoment: String, Sendable, CaseIterable {
  case sessionBegun = "backup-session"
  case duringRead = "backup-read"
  case beforeManifest = "backup-before-manifest"
  case afterManifest = "backup-after-manifest"
}

/// What an installation decides about backups.
package struct BackupSettings: Sendable {
  /// The least that a disk's scratch file may take, in bytes.
  package var scratchMinimumBytes: Int64
  /// How many bytes of a disk are one chunk.
  package var chunkBytes: Int
  /// How urgent the disk I/O of a backup is to the kernel, unless its job says otherwise.
  package var ioPriority: Adjustable<IOPriority>

  /// Collects the decisions.
  package init(
    scratchMinimumBytes: Int64 = Limits.scratchMinimum,
    chunkBytes: Int = Limits.chunkBytes,
    ioPriority: Adjustable<IOPriority> = Adjustable(.normal)
  ) {
    self.scratchMinimumBytes = scratchMinimumBytes
    self.chunkBytes = chunkBytes
    self.ioPriority = ioPriority
  }
}

/// Everything a backup works with.
package struct BackupParts: Sendable {
  package var catalog: any Catalog
  package var datastore: LocalDatastore
  package var hypervisor: any Hypervisor
  package var observer: HostObserver
  package var clock: any WallClock
  /// What it waits with.
  package var timer: any Clock<Duration>
  package var settings: BackupSettings
  /// What all backups of the node together read and write passes here.
  package var rate: RateLimiter
  /// Where sockets and scratch files of jobs stand.
  package var runtimeDirectory: String
  /// How disks are opened.
  package var opening: SourceOpening
  package var logger: Logger
  /// Called at each moment; does nothing but in tests.
  package var reached: @Sendable (BackupMoment) async -> Void

  /// Collects the parts.
  package init(
    catalog: any Catalog,
    datastore: LocalDatastore,
    hypervisor: any Hypervisor,
    observer: HostObserver,
    clock: any WallClock,
    timer: any Clock<Duration> = ContinuousClock(),
    settings: BackupSettings = BackupSettings(),
    rate: RateLimiter = RateLimiter(),
    runtimeDirectory: String,
    opening: SourceOpening = SourceOpening(),
    logger: Logger,
    reached: @escaping @Sendable (BackupMoment) async -> Void = { _ in }
  ) {
    self.catalog = catalog
    self.datastore = datastore
    self.hypervisor = hypervisor
    self.observer = observer
    self.clock = clock
    self.timer = timer
    self.settings = settings
    self.rate = rate
    self.runtimeDirectory = runtimeDirectory
    self.opening = opening
    self.logger = logger
    self.reached = reached
  }
}
