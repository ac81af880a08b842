package import Logging
import Model
package import Operations
import ServiceLifecycle

/// What a server does for its callers beside answering them: it writes down when keys were used
/// last, and forgets answers that are kept no longer.
///
/// It has to shut down after the API, so that the uses of the last requests are in its last turn.
package struct CallerUpkeep: Service {
  private let operations: Operations
  private let timer: any Clock<Duration>
  private let logger: Logger

  /// Makes the upkeep; it works when its service runs.
  package init(
    operations: Operations,
    timer: any Clock<Duration> = ContinuousClock(),
    logger: Logger
  ) {
    self.operations = operations
    self.timer = timer
    self.logger = logger
  }

  package func run() async throws {
    await cancelWhenGracefulShutdown {
      while await isAwake() {
        await tend()
      }
    }
    await recordUses()
  }

  private func tend() async {
    await recordUses()
    do throws(Refusal) {
      try await operations.forgetOldAnswers()
    } catch {
      logger.warning("old answers not forgotten", metadata: ["code": "\(error.code)"])
    }
  }

  private func recordUses() async {
    do throws(Refusal) {
      try await operations.recordKeyUses()
    } catch {
      logger.warning("uses of keys not recorded", metadata: ["code": "\(error.code)"])
    }
  }

  /// Waits for the next turn; false when there is none.
  private func isAwake() async -> Bool {
    do {
      try await timer.sleep(for: Limits.callerUpkeep)
      return !Task.isCancelled
    } catch {
      return false
    }
  }
}
