import Hypervisor
import Logging
import Model
import Operations

extension RestoreRun {
  /// Asks the hypervisor; while it is away, waits for it within the installation's patience.
  func patiently<Value>(
    _ body: () async throws(HypervisorError) -> Value
  ) async throws(StepStop) -> Value {
    let watch = Stopwatch(parts.timer)
    while true {
      do throws(HypervisorError) {
        return try await body()
      } catch .unavailable(let reason) {
        guard watch.elapsed < parts.settings.hypervisorPatience, !Task.isCancelled else {
          throw StepStop(HypervisorError.unavailable(reason))
        }
        report(waitingFor: reason)
        await pause(.milliseconds(500))
      } catch {
        throw StepStop(error)
      }
    }
  }

  /// Waits a moment between two looks at something that tells nothing by itself.
  func pause(_ duration: Duration) async {
    // A cancelled wait only looks earlier; the loop around it notices.
    _ = await parts.timer.isAwake(after: duration)
  }

  private func report(waitingFor reason: String) {
    parts.logger.warning(
      "hypervisor away, waiting",
      metadata: ["job.id": "\(job.id)", "reason": "\(reason)"]
    )
  }
}
