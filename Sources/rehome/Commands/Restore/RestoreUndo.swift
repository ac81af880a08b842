import ArgumentParser
import Model
import Operations

/// `rehome restore undo JOB`.
struct RestoreUndo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "undo",
    abstract: "Takes a restore back: the VPS gets its former disk and seed again.",
    discussion: "What was written to the VPS since the restore is lost."
  )

  @Argument(help: "The restore's job.")
  var job: String

  @Flag(help: "Follow the job to its end.")
  var wait = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let restore = try await context.asking(missing: Missing.job(job)) { () async throws(Refusal) in
      try await context.operations.job(context.caller, job)
    }
    guard restore.task.kind == .restore else {
      throw CommandFailure.usage(
        "Job \(restore.id) is a \(restore.task.kind.rawValue), no restore."
      )
    }
    try await context.requireWorker(of: restore.node, "Nothing was taken back.")
    let undo = try await context.asking(missing: Missing.vps(restore.vpsID.text)) {
      () async throws(Refusal) in
      try await context.operations.perform(context.operations.undoRestore(context.caller, job))
    }
    try await context.announce(undo, wait: wait)
  }
}
