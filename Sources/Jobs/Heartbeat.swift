package import Catalog
package import Logging
package import Model
import ServiceLifecycle

/// Shows in the catalog that a node's worker is alive.
///
/// Services are shut down last to first: it stands before its worker, so that a worker that still
/// ends its jobs counts as alive.
package struct Heartbeat: Service {
  private let catalog: any Catalog
  private let node: String
  private let clock: any WallClock
  private let timer: any Clock<Duration>
  private let logger: Logger

  /// Makes the heartbeat of a node.
  package init(
    catalog: any Catalog,
    node: String,
    clock: any WallClock,
    timer: any Clock<Duration> = ContinuousClock(),
    logger: Logger = Logger(label: "rehome.heartbeat")
  ) {
    self.catalog = catalog
    self.node = node
    self.clock = clock
    self.timer = timer
    self.logger = logger
  }

  package func run() async throws {
    await cancelWhenGracefulShutdown { await beat() }
  }

  private func beat() async {
    var isFailing = false
    repeat {
      let (node, now) = (node, clock.now())
      do throws(CatalogFault) {
        try await catalog.write { try $0.recordHeartbeat(node: node, at: now) }
        isFailing = false
      } catch {
        if !isFailing { logger.warning("heartbeat not recorded", metadata: ["error": "\(error)"]) }
        isFailing = true
      }
    } while await timer.isAwake(after: Limits.heartbeat)
  }
}
