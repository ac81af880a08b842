package import Hummingbird
package import Logging
package import Model
package import Operations
package import ServiceLifecycle

/// The HTTP API: one door to the use cases.
package struct APIServer: Sendable {
  private let operations: Operations
  private let configuration: APIConfiguration
  private let clock: any WallClock
  private let logger: Logger
  private let onServerRunning: @Sendable (_ port: Int) async -> Void

  /// Makes the server; it listens when its service runs.
  ///
  /// - Parameters:
  ///   - operations: What it calls.
  ///   - configuration: Where it listens and how it speaks.
  ///   - clock: The time in its answers.
  ///   - logger: Where its lines go.
  ///   - onServerRunning: Called with the port once it listens.
  package init(
    operations: Operations,
    configuration: APIConfiguration,
    clock: any WallClock,
    logger: Logger,
    onServerRunning: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
  ) {
    self.operations = operations
    self.configuration = configuration
    self.clock = clock
    self.logger = logger
    self.onServerRunning = onServerRunning
  }

  /// The server as a service: it listens until the group shuts down, then finishes its requests.
  package var service: any Service { application }

  /// The server with its router, for tests without a socket.
  package var application: Application<RouterResponder<APIContext>> {
    Application(
      router: router,
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.host, port: configuration.port)
      ),
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
    Routes(operations: operations, clock: clock, typeBase: configuration.typeBase)
  }

  /// The routes behind what every request goes through: log, identity, problems, then who asks.
  package var router: Router<APIContext> {
    let routes = table
    let router = Router(context: APIContext.self, options: [.autoGenerateHeadEndpoints])
    router.add(middleware: RequestLogging())
    router.add(middleware: RequestIdentity())
    router.add(
      middleware: Problems(
        clock: clock,
        typeBase: configuration.typeBase,
        allowedMethods: routes.allowedMethods
      )
    )
    routes.register(on: router, authentication: Authentication(operations: operations))
    return router
  }
}
