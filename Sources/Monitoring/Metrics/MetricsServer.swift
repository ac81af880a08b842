import Hummingbird
import HummingbirdCore
package import Logging
import Model
import NIOCore
package import ServiceLifecycle

/// Where the metrics listen; apart from the API, so that they are never on the internet with it.
package struct MetricsServer: Sendable {
  private let host: String
  private let port: Int
  private let text: @Sendable () async -> String
  private let logger: Logger
  private let onServerRunning: @Sendable (_ port: Int) async -> Void

  /// Makes the server; it listens when its service runs.
  ///
  /// - Parameters:
  ///   - host: The address to listen on.
  ///   - port: The port; 0 takes a free one.
  ///   - text: Every figure as it is now, in Prometheus's text format.
  ///   - logger: Where its lines go.
  ///   - onServerRunning: Called with the port once it listens.
  package init(
    host: String,
    port: Int,
    text: @escaping @Sendable () async -> String,
    logger: Logger,
    onServerRunning: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
  ) {
    self.host = host
    self.port = port
    self.text = text
    self.logger = logger
    self.onServerRunning = onServerRunning
  }

  /// The server as a service.
  package var service: any Service {
    Application(
      router: router,
      server: .http1(configuration: HTTP1Channel.Configuration(idleTimeout: .seconds(60))),
      configuration: ApplicationConfiguration(
        address: .hostname(host, port: port),
        availableConnectionsDelegate: MaximumAvailableConnections(Limits.metricsConnections)
      ),
      onServerRunning: { [onServerRunning] channel in
        await onServerRunning(channel.localAddress?.port ?? 0)
      },
      logger: logger
    )
  }

  private var router: Router<BasicRequestContext> {
    let router = Router(options: [.autoGenerateHeadEndpoints])
    router.get("/metrics") { [text] _, _ in
      Response(
        status: .ok,
        headers: [.contentType: ExpositionText.contentType],
        body: ResponseBody(byteBuffer: ByteBuffer(string: await text()))
      )
    }
    return router
  }
}
