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

  /// Writes disks over where the only way is on: what stops it is tried again while there are
  /// attempts, since nobody else can make a half written disk whole.
  func goingOn(_ body: () async throws(StepStop) -> Void) async throws(StepStop) {
    do throws(StepStop) {
      try await body()
    } catch .failure(var failure) where failure.left == .untouched {
      let summary = journal.summary
      let isBound = summary.begun.contains(.rollback) || kind == .undo
      if isBound, summary.begun.contains(.swap), !isLastAttempt { failure.isTransient = true }
      throw .failure(failure)
    }
  }

  /// Removes what nobody needs any more: more than once, and again while there are attempts; then the
  /// job, which is done, counts for more than what it leaves behind.
  func insistently(
    _ what: String,
    _ remove: () async throws(StepStop) -> Void
  ) async throws(StepStop) {
    var triesLeft = Limits.removalTries
    while true {
      do throws(StepStop) {
        return try await remove()
      } catch .failure(var failure) where failure.left == .untouched {
        triesLeft -= 1
        if triesLeft > 0 {
          await pause(.seconds(1))
          continue
        }
        guard isLastAttempt else {
          failure.isTransient = true
          throw .failure(failure)
        }
        parts.logger.error(
          "\(what) not removed",
          metadata: ["job.id": "\(job.id)", "detail": "\(failure.detail)"]
        )
        return
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
