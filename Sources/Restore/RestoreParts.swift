package import Catalog
package import Datastore
package import Disks
package import Guest
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
  /// Where the undo logs of in-place restores are kept.
  package var undoDirectory: String
  /// What is proven before disks are exchanged.
  package var verification: RestoreVerification
  /// Whether a stage may begin as a clone of the target's disk.
  package var clonesDisks: Bool
  /// Whether another VPS's disk boots behind a network filter for the first time.
  package var firstBootFiltering: FirstBootFiltering
  /// What stages leave free of their file system.
  package var freeReserve: FreeReserve
  /// How urgent disk I/O is, where a job says nothing.
  package var ioPriority: Adjustable<IOPriority>

  /// Makes settings; the defaults are the documented ones.
  package init(
    shutdownTimeout: Duration = .seconds(60),
    confirmTimeout: Duration = .seconds(180),
    undoWindow: Duration = .seconds(24 * 3600),
    hypervisorPatience: Duration = .seconds(120),
    seedsDirectory: String,
    runtimeDirectory: String,
    undoDirectory: String,
    verification: RestoreVerification = .readback,
    clonesDisks: Bool = true,
    firstBootFiltering: FirstBootFiltering = .auto,
    freeReserve: FreeReserve = .standard,
    ioPriority: Adjustable<IOPriority> = Adjustable(.normal)
  ) {
    self.shutdownTimeout = shutdownTimeout
    self.confirmTimeout = confirmTimeout
    self.undoWindow = undoWindow
    self.hypervisorPatience = hypervisorPatience
    self.seedsDirectory = seedsDirectory
    self.runtimeDirectory = runtimeDirectory
    self.undoDirectory = undoDirectory
    self.verification = verification
    self.clonesDisks = clonesDisks
    self.firstBootFiltering = firstBootFiltering
    self.freeReserve = freeReserve
    self.ioPriority = ioPriority
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
  case duringRewrite = "during-rewrite"
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
  /// Lends room for the chunks on their way to a disk.
  package var buffers: BufferPool
  /// Lends room for packed chunks.
  package var packed: BufferPool
  /// Lends room for what is read back.
  package var shadows: BufferPool
  /// What is known of targets' disks without reading them.
  package var maps: any TargetMaps
  /// What all restores of this node move passes here.
  package var rate: RateLimiter
  package var clock: any WallClock
  /// What it waits and measures with.
  package var timer: any Clock<Duration>
  /// Writes a seed to a path, for an owner; whole and durable, or not at all.
  package var writeSeed:
    @Sendable (Seed, _ path: String, RuntimeDirectory.Owner) async throws(SeedError) -> Void
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
    buffers: BufferPool = BufferPool(
      count: Limits.stageStepsInFlight + Limits.stageSpareBuffers,
      capacity: Limits.chunkBytes
    ),
    maps: any TargetMaps = NoTargetMaps(),
    rate: RateLimiter = RateLimiter(),
    clock: any WallClock,
    timer: any Clock<Duration> = ContinuousClock(),
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
    let scratchCount = Limits.stageScratchBuffers + 1
    packed = BufferPool(count: scratchCount, capacity: Limits.chunkBytes)
    shadows = BufferPool(count: scratchCount, capacity: Limits.chunkBytes)
    self.maps = maps
    self.rate = rate
    self.clock = clock
    self.timer = timer
    writeSeed = { seed, path, owner throws(SeedError) in
      try await SeedWriter.write(seed, to: path, owner: owner)
    }
    self.settings = settings
    self.logger = logger
    self.reached = reached
  }
}
