import API
import Catalog
import CoreMetrics
import Datastore
import Disks
import Hypervisor
import Jobs
import Logging
import Model
import Monitoring
import Operations
import ServiceLifecycle
import UnixSignals

/// The composition root: the one place that knows which parts a server is made of.
enum Composition {
  /// What a server does.
  enum Role: Sendable {
    /// It answers the API and, unless the configuration says otherwise, does this node's jobs.
    case server
    /// It does this node's jobs.
    case worker
  }

  /// Makes everything from the settings; nothing runs until the group does.
  ///
  /// Only the places and the catalog have to be there. libvirt may be away: the API answers, and
  /// jobs wait. What may change while it runs is read `again`.
  static func group(
    _ role: Role,
    _ settings: Settings,
    again: HangupReload.Source,
    logger: Logger
  ) async throws(CommandFailure) -> ServiceGroup {
    let layout = DataLayout(settings)
    try await layout.prepare()
    let figures = MetricRegistry()
    let catalog = MeasuredCatalog(
      try await layout.openCatalog(logger: logger),
      metrics: figures
    )
    let clock = SystemWallClock()
    func operations(_ liveStatus: (any LiveStatusSource)?) -> Operations {
      Operations(
        catalog: catalog,
        clock: clock,
        policy: settings.policy,
        logger: logger,
        liveStatus: liveStatus
      )
    }
    try await register(settings.node, with: operations(nil))
    var worker: WorkerParts?
    if role == .worker || settings.worker.isEnabled {
      worker = try await WorkerParts.make(
        settings,
        layout: layout,
        catalog: catalog,
        clock: clock,
        metrics: figures,
        logger: logger
      )
    }
    let parts = operations(nil).parts + (worker?.readiness ?? [])
    let working = (worker?.services ?? []) + [schedules(of: operations(nil))]
    let watch = Watch(
      parts: parts,
      catalog: catalog,
      catalogPath: layout.catalogPath,
      clock: clock,
      figures: figures
    )
    // Services are shut down last to first: what watches the others outlives them.
    var services = watch.services(listening: settings.metrics, logger: logger) + working
    let tls = role == .server ? settings.api.tls : nil
    let reload = HangupReload(
      source: again,
      limits: worker?.limits,
      files: tls,
      identity: try await tls?.identity(),
      logger: logger
    )
    // Before the door, which then ends first, whatever is just being read again.
    services.append(reload)
    if role == .server {
      services += door(
        settings.api,
        identity: reload.identity,
        // Without a worker of its own the API has no way to a hypervisor, and needs none.
        operations: operations(worker?.liveStatus),
        readiness: watch.readiness,
        clock: clock,
        metrics: figures,
        logger: logger
      )
    }
    return serviceGroup(services, logger: logger)
  }

  /// Any number of processes may look: a turn is taken once.
  private static func schedules(of operations: Operations) -> any Service {
    let scheduler = BackupScheduler(operations)
    return PeriodicService(
      PeriodicWork("schedules", every: Limits.scheduleInterval) { await scheduler.takeTurns() }
    )
  }

  private static func serviceGroup(_ services: [any Service], logger: Logger) -> ServiceGroup {
    ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: services.map { service in
          // A part that ends by itself ends the server: half a server is worse than none.
          ServiceGroupConfiguration.ServiceConfiguration(
            service: service,
            successTerminationBehavior: .gracefullyShutdownGroup,
            failureTerminationBehavior: .gracefullyShutdownGroup
          )
        },
        gracefulShutdownSignals: [.sigterm, .sigint],
        logger: logger
      )
    )
  }

  /// What answers callers, and what is done for them beside.
  private static func door(
    _ settings: Settings.API,
    identity: TLSIdentity?,
    operations: Operations,
    readiness: Readiness,
    clock: any WallClock,
    metrics: any MetricsFactory,
    logger: Logger
  ) -> [any Service] {
    [
      // Before the API, because services shut down from the last to the first, and over the same
      // use cases, which remember the uses of keys.
      CallerUpkeep(operations: operations, logger: logger),
      api(
        settings,
        identity: identity,
        operations: operations,
        readiness: readiness,
        clock: clock,
        metrics: metrics,
        logger: logger
      ),
    ]
  }

  private static func api(
    _ settings: Settings.API,
    identity: TLSIdentity?,
    operations: Operations,
    readiness: Readiness,
    clock: any WallClock,
    metrics: any MetricsFactory,
    logger: Logger
  ) -> any Service {
    let host = settings.host
    let scheme = identity == nil ? "http" : "https"
    let server = APIServer(
      operations: operations,
      readiness: readiness,
      configuration: APIConfiguration(
        host: host,
        port: settings.port,
        typeBase: settings.typeBase,
        rates: settings.rates,
        connections: settings.connections,
        trustedProxies: settings.trustedProxies,
        forwardingHeader: settings.forwardingHeader
      ),
      identity: identity,
      clock: clock,
      logger: logger,
      metrics: metrics,
      onServerRunning: { port in
        logger.notice(
          "api listens",
          metadata: ["host": "\(host)", "port": "\(port)", "scheme": "\(scheme)"]
        )
      }
    )
    return ListeningService(
      service: server.service,
      section: "api",
      host: host,
      port: settings.port
    )
  }

  /// The node's row is what jobs are addressed to, so it is there before the first one.
  private static func register(
    _ node: Settings.Node,
    with operations: Operations
  ) async throws(CommandFailure) {
    do throws(Refusal) {
      try await operations.registerNode(name: node.name, uri: node.libvirtURI)
    } catch {
      throw .refused(error)
    }
  }
}
