import Logging
import Model
import ServiceLifecycle

/// Ends a server within bounded time: it stops listening and finishes what it has begun, and what
/// isn't finished in time is cut off.
struct BoundedDrain<Server: Service>: Service {
  /// The server.
  let server: Server
  /// How long it may take to end.
  let drain: Duration
  /// Where it is told that something was cut off.
  let logger: Logger

  func run() async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        try await server.run()
        return true
      }
      group.addTask {
        do {
          try await gracefulShutdown()
          try await Task.sleep(for: drain)
          return false
        } catch {
          // The server has ended before.
          return true
        }
      }
      if try await group.next() == false {
        logger.warning("requests cut off", metadata: ["drain.ms": "\(drain.milliseconds)"])
      }
      group.cancelAll()
    }
  }
}
