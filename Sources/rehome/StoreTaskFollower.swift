import Model
import Operations

/// Follows a task on a datastore to its end.
struct StoreTaskFollower {
  /// How often the task is looked at.
  private static let interval = Duration.milliseconds(250)

  private let context: CommandContext

  /// Makes a follower.
  init(_ context: CommandContext) {
    self.context = context
  }

  /// Tells how the task gets on until it has ended; one that failed is a failure.
  func follow(_ task: StoreTask) async throws(CommandFailure) -> StoreTask {
    var lastTenth = -1
    while true {
      let seen = try await context.asking(missing: "Task \(task.number) is forgotten.") {
        () async throws(Refusal) in try await context.operations.storeTask(task.number)
      }
      switch seen.state {
      case .completed:
        return seen
      case .failed:
        throw .storeTaskFailed(seen.failure ?? "The task failed.")
      case .queued, .running:
        try await context.requireWorker(of: task.node, "The task goes on when there is one.")
        if seen.percent / 10 != lastTenth {
          lastTenth = seen.percent / 10
          context.console.note("\(seen.percent) %  \(Table.printable(seen.message))")
        }
      }
      // Nobody cancels a command but by ending it.
      try? await Task.sleep(for: Self.interval)
    }
  }
}
