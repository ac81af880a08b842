import Model
import Operations

/// Follows a job to its end.
struct JobFollower {
  /// How often the job is looked at: often enough for a smooth bar.
  private static let interval = Duration.milliseconds(250)
  /// How often in a row the catalog may be busy before that is told.
  private static let patience = 40
  /// How often in a row no worker may be alive: a disk that is flushed holds up heartbeats, too, and one
  /// that is started again needs a moment.
  private static let absences = 80

  private let context: CommandContext

  /// Makes a follower.
  init(_ context: CommandContext) {
    self.context = context
  }

  /// Shows the job until it has ended, then its last word; a job that failed is a failure.
  func follow(_ id: JobID) async throws(CommandFailure) {
    var view = ProgressView(console: context.console)
    let interrupt = Interrupt(of: id, view: view)
    defer { interrupt.release() }
    let job: Job
    do throws(CommandFailure) {
      job = try await watch(id, &view)
    } catch {
      view.clear()
      throw error
    }
    view.clear()
    if context.console.isJSON || job.state == .completed {
      context.console.show(job.json) { JobText.lastWord(job) }
    }
    guard job.state == .completed else { throw .jobFailed(job) }
  }

  private func watch(
    _ id: JobID,
    _ view: inout ProgressView
  ) async throws(CommandFailure) -> Job {
    var misses = 0
    var absent = 0
    while true {
      if let seen = try await look(at: id, &misses) {
        view.show(seen.job)
        if seen.job.state.isFinal { return seen.job }
        absent = seen.hasWorker ? 0 : absent + 1
        guard absent < Self.absences else {
          throw .noWorker(
            node: seen.job.node,
            consequence: "Job \(id) goes on when there is one."
          )
        }
      }
      // Nobody cancels a command but by ending it.
      try? await Task.sleep(for: Self.interval)
    }
  }

  /// The job and whether anybody is there for it; nil when the catalog was busy for a moment.
  private func look(
    at id: JobID,
    _ misses: inout Int
  ) async throws(CommandFailure) -> (job: Job, hasWorker: Bool)? {
    do throws(Refusal) {
      let job = try await context.operations.job(context.caller, id.text)
      let hasWorker = try await context.operations.hasLiveWorker(node: job.node)
      misses = 0
      return (job, hasWorker)
    } catch {
      switch error {
      case .notFound:
        throw .missing(Missing.job(id.text))
      case .serviceUnavailable where misses < Self.patience:
        misses += 1
        return nil
      default:
        throw .refused(error)
      }
    }
  }
}
