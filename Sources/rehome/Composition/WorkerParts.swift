import Backup
import Care
import Catalog
import CoreMetrics
import Datastore
import Disks
import Hypervisor
import Jobs
import Logging
import Model
import Operations
import Power
import Restore
import ServiceLifecycle

/// What a node's worker is made of.
struct WorkerParts: Sendable {
  /// The services, in the order in which they start.
  let services: [any Service]
  /// Where the node's VPSs can be looked at now.
  let liveStatus: any LiveStatusSource
  /// What `/readyz` tells of it.
  let readiness: [ReadinessPart]
  /// What of the settings may change while it runs.
  let limits: NodeLimits

  /// Makes a node's worker with its engines and what it does beside its jobs.
  static func make(
    _ settings: Settings,
    layout: DataLayout,
    catalog: any Catalog,
    clock: any WallClock,
    metrics: any MetricsFactory,
    logger: Logger
  ) async throws(CommandFailure) -> WorkerParts {
    // First: another worker may have the datastore for itself, which would be told instead.
    try await requireNoOther(settings.node.name, layout)
    let datastore = try await openDatastore(
      settings.storage,
      layout: layout,
      clock: clock,
      metrics: metrics,
      logger: logger
    )
    let limits = NodeLimits(settings)
    let hypervisor = LibvirtHypervisor(uri: settings.node.libvirtURI, logger: logger)
    let observer = observer(of: hypervisor, clock, settings)
    let housekeeping = Housekeeping(
      node: settings.node.name,
      catalog: catalog,
      datastore: datastore,
      hypervisor: hypervisor,
      observer: observer,
      keeper: keeper(settings, limits, catalog, datastore, clock, logger),
      seedsDirectory: layout.seeds.path,
      runtimeDirectory: layout.run.path,
      clock: clock,
      logger: logger
    )
    let handlers = handlers(
      settings,
      limits,
      layout: layout,
      catalog: catalog,
      datastore: datastore,
      hypervisor: hypervisor,
      observer: observer,
      clock: clock,
      logger: logger
    )
    let worker = Worker(
      catalog: catalog,
      node: settings.node.name,
      handlers: handlers,
      clock: clock,
      concurrency: limits.concurrency,
      attempts: settings.worker.attempts,
      locksDirectory: layout.locks.path,
      logger: logger,
      startup: housekeeping.startup,
      periodic: housekeeping.periodic,
      metrics: metrics
    )
    return WorkerParts(
      services: [
        Heartbeat(catalog: catalog, node: settings.node.name, clock: clock, logger: logger),
        EventWatch(housekeeping: housekeeping, hypervisor: hypervisor),
        worker,
      ],
      liveStatus: liveStatus(settings, logger),
      readiness: [
        ReadinessPart(storeAt: settings.storage.datastorePath, metrics: metrics),
        ReadinessPart(hypervisor: hypervisor),
      ],
      limits: limits
    )
  }

  private static func observer(
    of hypervisor: any Hypervisor,
    _ clock: any WallClock,
    _ settings: Settings
  ) -> HostObserver {
    HostObserver(
      hypervisor: hypervisor,
      clock: clock,
      freeReserve: settings.restore.freeReserve
    )
  }

  /// On a connection of its own: a client who asks for the status of a machine that hangs must not take
  /// the calls from jobs.
  private static func liveStatus(_ settings: Settings, _ logger: Logger) -> NodeStatusSource {
    NodeStatusSource(
      node: settings.node.name,
      // libvirtd works on five calls of a connection at a time, `max_client_requests` of its settings.
      hypervisor: LibvirtHypervisor(uri: settings.node.libvirtURI, logger: logger, width: 4),
      clock: SystemWallClock()
    )
  }

  /// Refuses to go on beside another worker of the node.
  static func requireNoOther(
    _ node: String,
    _ layout: DataLayout
  ) async throws(CommandFailure) {
    do throws(WorkerFault) {
      try await Worker.requireNone(of: node, locksDirectory: layout.locks.path)
    } catch {
      throw CommandFailure(error)
    }
  }

  private static func keeper(
    _ settings: Settings,
    _ limits: NodeLimits,
    _ catalog: any Catalog,
    _ datastore: LocalDatastore,
    _ clock: any WallClock,
    _ logger: Logger
  ) -> StoreKeeper {
    StoreKeeper(
      catalog: catalog,
      datastore: datastore,
      node: settings.node.name,
      schedule: CareSchedule(
        collectEvery: settings.care.collectEvery,
        verifyEvery: settings.care.verifyEvery
      ),
      clock: clock,
      rate: limits.verifyRate,
      logger: logger
    )
  }

  /// The engines: one handler for each kind of job.
  private static func handlers(
    _ settings: Settings,
    _ limits: NodeLimits,
    layout: DataLayout,
    catalog: any Catalog,
    datastore: LocalDatastore,
    hypervisor: any Hypervisor,
    observer: HostObserver,
    clock: any WallClock,
    logger: Logger
  ) -> [JobKind: any JobHandler] {
    let backup = BackupParts(
      catalog: catalog,
      datastore: datastore,
      hypervisor: hypervisor,
      observer: observer,
      clock: clock,
      settings: BackupSettings(ioPriority: limits.backupPriority),
      rate: limits.backupRate,
      runtimeDirectory: layout.run.path,
      logger: logger,
      reached: CrashMoments.backup
    )
    let restore = RestoreHandler(
      parts: RestoreParts(
        catalog: catalog,
        datastore: datastore,
        hypervisor: hypervisor,
        observer: observer,
        maps: KnownTargetMaps(ContentSearch(backup)),
        rate: limits.restoreRate,
        clock: clock,
        settings: restoreSettings(settings.restore, limits, layout: layout),
        logger: logger,
        reached: CrashMoments.restore
      )
    )
    let power = PowerHandler(
      parts: PowerParts(
        catalog: catalog,
        hypervisor: hypervisor,
        observer: observer,
        settings: PowerSettings(shutdownTimeout: settings.power.shutdownTimeout),
        logger: logger
      )
    )
    return [
      .backup: BackupHandler(parts: backup), .restore: restore, .undo: restore, .power: power,
    ]
  }

  private static func openDatastore(
    _ storage: Settings.Storage,
    layout: DataLayout,
    clock: any WallClock,
    metrics: any MetricsFactory,
    logger: Logger
  ) async throws(CommandFailure) -> LocalDatastore {
    try await layout.prepareDatastore()
    let executor = BlockingExecutor(label: "rehome.datastore", width: Limits.chunksInFlight)
    do throws(DatastoreError) {
      return try await executor.run { () throws(DatastoreError) in
        try LocalDatastore.create(at: storage.datastorePath)
        return try LocalDatastore(
          path: storage.datastorePath,
          sync: storage.sync,
          executor: executor,
          clock: clock,
          logger: logger,
          metrics: metrics
        )
      }
    } catch {
      throw .datastore(error)
    }
  }

  private static func restoreSettings(
    _ restore: Settings.Restore,
    _ limits: NodeLimits,
    layout: DataLayout
  ) -> RestoreSettings {
    RestoreSettings(
      shutdownTimeout: restore.shutdownTimeout,
      confirmTimeout: restore.confirmTimeout,
      undoWindow: restore.undoWindow,
      seedsDirectory: layout.seeds.path,
      runtimeDirectory: layout.run.path,
      undoDirectory: layout.undo.path,
      verification: restore.verification,
      clonesDisks: restore.clonesDisks,
      firstBootFiltering: restore.firstBootFiltering,
      freeReserve: restore.freeReserve,
      ioPriority: limits.restorePriority
    )
  }
}
