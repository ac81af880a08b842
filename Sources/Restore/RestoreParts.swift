package import Catalog
package import Datastore
package import Disks
package import Hypervisor
package import Logging
package import Model
package import Operations

/// What an installation decides about restores.
package struct RestoreSettings: Sendable {
  /// How long a guest may take to shut down before it is destroyed.
  package var shutdownTimeout: Duration
  /// How long a guest may take to show its addresses.
  package var confirmTimeout: Duration
  /// How long the former disk is kept.
  package var undoWindow: Duration
  /// How long a step waits for a hypervisor that is away.
  package var hypervisorPatience: Duration
  /// Where seeds are kept; QEMU's user must be able to enter it.
  package var seedsDirectory: String
  /// Where sockets and scratch files of jobs stand.
  package var runtimeDirectory: String

  /// Makes settings; the defaults are the documented ones.
  package init(
    shutdownTimeout: Duration = .seconds(60),
    confirmTimeout: Duration = .seconds(180),
    undoWindow: Duration = .seconds(24 * 3600),
    hypervisorPatience: Duration = .seconds(120),
    seedsDirectory: String,
    runtimeDirectory: String
  ) {
    self.shutdownTimeout = shutdownTimeout
    self.confirmTimeout = confirmTimeout
    self.undoWindow = undoWindow
    self.hypervisorPatience = hypervisorPatience
    self.seedsDirectory = seedsDirectory
    self.runtimeDirectory = runtimeDirectory
  }
}

/// The moments at which a test may kill the process or act beside it.
///
/// Names are stable.
package enum RestoreMoment: String, Sendable, CaseIterable {
  case duringStage = "during-stage"
  case duringVerify = "during-verify"
  case afterStop = "after-stop"
  case beforeExchange = "before-exchange"
  case betweenExchanges = "between-exchanges"
  case afterExchange = "after-exchange"
  case beforeStart = "before-start"
  case afterStart = "after-start"
  case duringConfirm = "during-confirm"
}

/// Everything a restore works with.
package struct RestoreParts: Sendable {
  package var catalog: any Catalog
  package var datastore: LocalDatastore
  package var hypervisor: any Hypervisor
  package var observer: HostObserver
  package var exchange: any DiskExchange
  package var buffers: BufferPool
  /// What all restores of this node move passes here.
  package var rate: RateLimiter
  package var clock: any WallClock
  package var settings: RestoreSettings
  package var logger: Logger
  /// Called at each moment; does nothing but in tests.
  package var reached: @Sendable (RestoreMoment) async -> Void

  /// Collects the parts.
  package init(
    catalog: any Catalog,
    datastore: LocalDatastore,
    hypervisor: any Hypervisor,
    observer: HostObserver,
    exchange: any DiskExchange = RenameExchange(),
    buffers: BufferPool,
    rate: RateLimiter = RateLimiter(),
    clock: any WallClock,
    settings: RestoreSettings,
    logger: Logger,
    reached: @escaping @Sendable (RestoreMoment) async -> Void = { _ in }
  ) {
    self.catalog = catalog
    self.datastore = datastore
    self.hypervisor = hypervisor
    self.observer = observer
    self.exchange = exchange
    self.buffers = buffers
    self.rate = rate
    self.clock = clock
    self.settings = settings
    self.logger = logger
    self.reached = reached
  }
}
