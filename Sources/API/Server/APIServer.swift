package import CoreMetrics
package import Hummingbird
import HummingbirdCore
package import Logging
package import Model
package import Operations
package import ServiceLifecycle

/// The HTTP API: one door to the use cases.
package struct APIServer: Sendable {
  private let operations: Operations
  private let readiness: Readiness
  private let configuration: APIConfiguration
  private let clock: any WallClock
  private let logger: Logger
  private let figures: RequestFigures
  let events: JobEvents
  private let onServerRunning: @Sendable (_ port: Int) async -> Void
  private let identity: TLSIdentity?
  private let limiter: RateLimiter
  private let counts: ConnectionCounts

  /// Makes the server; it listens when its service runs.
  ///
  /// - Parameters:
  ///   - operations: What it calls.
  ///   - readiness: How the parts stand; it runs beside the server.
  ///   - configuration: Where it listens and how it speaks.
  ///   - identity: Its certificate and key; nil: connections aren't encrypted.
  ///   - clock: The time in its answers.
  ///   - timer: What it waits with, the same time.
  ///   - logger: Where its lines go.
  ///   - metrics: Where requests are counted.
  ///   - onServerRunning: Called with the port once it listens.
  package init(
    operations: Operations,
    readiness: Readiness,
    configuration: APIConfiguration,
    identity: TLSIdentity? = nil,
    clock: any WallClock,
    timer: any Clock<Duration> = ContinuousClock(),
    logger: Logger,
    metrics: any MetricsFactory = NOOPMetricsHandler.instance,
    onServerRunning: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
  ) {
    self.operations = operations
    self.readiness = readiness
    self.configuration = configuration
    self.identity = identity
    self.clock = clock
    self.logger = logger
    figures = RequestFigures(metrics)
    events = JobEvents(
      operations: operations,
      clock: clock,
      timer: timer,
      metrics: metrics,
      logger: logger
    )
    self.onServerRunning = onServerRunning
    limiter = RateLimiter(limits: configuration.rates, clock: clock)
    counts = ConnectionCounts(
      maximum: configuration.connections.maximumPerAddress,
      exempt: configuration.trustedProxies,
      metrics: metrics
    )
  }

  /// The server as a service: it listens until the group shuts down, then finishes its requests.
  package var service: any Service {
    BoundedDrain(server: application, drain: configuration.connections.drain, logger: logger)
  }

  /// The server with its router, for tests without a socket.
  package var application: Application<RouterResponder<APIContext>> {
    Application(
      router: router,
      server: HTTPServerBuilder {
        [identity, counts, limits = configuration.connections] responder in
        Connections(identity: identity, limits: limits, counts: counts, responder: responder)
      },
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.host, port: configuration.port),
        availableConnectionsDelegate: .maximum(configuration.connections.maximum, logger: logger)
      ),
      // The group inside is shut down last to first as well: streams are watched until the server
      // has ended the last of them.
      services: [events],
      onServerRunning: { [onServerRunning] channel in
        await onServerRunning(channel.localAddress?.port ?? 0)
      },
      logger: logger
    )
  }

  /// Every route as method and path, in the order of their paths.
  package var routes: [String] { table.names }

  /// The API as an OpenAPI document.
  package var document: JSON { table.document.json }

  private var table: Routes {
    Routes(
      operations: operations,
      readiness: readiness,
      events: events,
      clock: clock,
      typeBase: configuration.typeBase
    )
  }

  /// The routes behind what every request goes through: the client's address, log, identity,
  /// headers, problems, limits, then who asks.
  package var router: Router<APIContext> {
    let routes = table
    let answers = ProblemAnswers(
      clock: clock,
      typeBase: configuration.typeBase,
      allowedMethods: routes.allowedMethods
    )
    let counting = RequestCounting(limiter: limiter, answers: answers)
    let addressLimits = AddressLimits(counting: counting)
    let router = Router(context: APIContext.self, options: [.autoGenerateHeadEndpoints])
    if !configuration.trustedProxies.isEmpty {
      router.add(
        middleware: ClientAddress(
          proxies: configuration.trustedProxies,
          header: configuration.forwardingHeader
        )
      )
    }
    router.add(middleware: RequestLogging(figures: figures))
    router.add(middleware: RequestIdentity())
    router.add(middleware: SecurityHeaders(isSecure: identity != nil))
    router.add(middleware: Problems(answers: answers))
    router.add(middleware: addressLimits)
    router.add(middleware: ReadableRequests())
    routes.register(
      on: router,
      authentication: Authentication(operations: operations, addressLimits: addressLimits),
      addressLimits: addressLimits,
      keyLimits: KeyLimits(counting: counting)
    )
    return router
  }
}
