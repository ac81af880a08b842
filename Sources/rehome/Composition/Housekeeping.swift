import Backup
import Care
import Catalog
import Datastore
import Disks
import Hypervisor
import Jobs
import Logging
import Model
import Operations
import Restore
import ServiceLifecycle

/// What a worker does beside its jobs.
struct Housekeeping: Sendable {
  private static let undoInterval = Duration.seconds(60)
  private static let sweepInterval = Duration.seconds(10)
  private static let removalInterval = Duration.seconds(5)

  private let node: String
  private let refresh: ObservationRefresh
  private let undoCleaner: UndoCleaner
  private let remover: BackupRemover
  private let sessions: SessionRecovery
  private let checkpoints: CheckpointSweep
  private let filters: FilterSweep
  private let runtimeDirectory: String
  private let keeper: StoreKeeper
  private let clock: any WallClock

  /// Makes the housekeeping of one node.
  init(
    node: String,
    catalog: any Catalog,
    datastore: LocalDatastore,
    hypervisor: any Hypervisor,
    observer: HostObserver,
    keeper: StoreKeeper,
    seedsDirectory: String,
    runtimeDirectory: String,
    clock: any WallClock,
    logger: Logger
  ) {
    self.node = node
    self.clock = clock
    self.runtimeDirectory = runtimeDirectory
    self.keeper = keeper
    refresh = ObservationRefresh(catalog: catalog, observer: observer, node: node, logger: logger)
    undoCleaner = UndoCleaner(catalog: catalog, seedsDirectory: seedsDirectory, logger: logger)
    remover = BackupRemover(catalog: catalog, datastore: datastore, node: node, logger: logger)
    sessions = SessionRecovery(
      catalog: catalog,
      hypervisor: hypervisor,
      runtimeDirectory: runtimeDirectory,
      clock: clock,
      logger: logger
    )
    checkpoints = CheckpointSweep(
      catalog: catalog,
      hypervisor: hypervisor,
      node: node,
      logger: logger
    )
    filters = FilterSweep(
      catalog: catalog,
      hypervisor: hypervisor,
      node: node,
      clock: clock,
      logger: logger
    )
  }

  /// What is done once, before the first job: nothing may lean on what was true before we died.
  var startup: [@Sendable () async -> Void] {
    [
      { await RuntimeDirectory.removeAbandoned(in: runtimeDirectory) },
      { await refresh.refreshAll() },
      { await remover.collectAbandoned() },
      { await keeper.adopt() },
      { await sessions.endOrphanedSessions(isStart: true) },
      { await checkpoints.run() },
    ]
  }

  /// What is done again and again.
  var periodic: [PeriodicWork] {
    [
      PeriodicWork("observe", every: Limits.observationInterval) { await refresh.refreshAll() },
      PeriodicWork("end backup sessions", every: Self.undoInterval) {
        await sessions.endOrphanedSessions()
      },
      PeriodicWork("sweep checkpoints", every: Self.sweepInterval) { await checkpoints.run() },
      PeriodicWork("sweep network filters", every: Self.undoInterval) { await filters.run() },
      PeriodicWork("remove backups", every: Self.removalInterval) { await remover.remove() },
      PeriodicWork("keep the datastore", every: Limits.careInterval) { await keeper.turn() },
      PeriodicWork("remove undo disks", every: Self.undoInterval) {
        await undoCleaner.removeExpired(node: node, at: clock.now())
      },
    ]
  }

  /// Looks again at what an event tells of.
  func react(to event: DomainEvent) async {
    if let uuid = event.domain?.uuid {
      await refresh.refresh(domain: uuid)
    } else {
      await refresh.refreshAll()
    }
  }
}

/// Listens to libvirt, so that a machine that was started or stopped by hand is seen at once.
struct EventWatch: Service {
  /// What to do about an event.
  let housekeeping: Housekeeping
  /// Where events come from.
  let hypervisor: any Hypervisor

  func run() async throws {
    for await event in hypervisor.events().cancelOnGracefulShutdown() {
      await housekeeping.react(to: event)
    }
    // A stream that ended by itself must not end the server: observation goes on at intervals.
    try? await gracefulShutdown()
  }
}
