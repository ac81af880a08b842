import ArgumentParser
import Model
import Operations

/// `rehome backup create VPS`.
struct BackupCreate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Makes a backup of a VPS, running or not."
  )

  @Argument(help: "The VPS's identifier or unique name.")
  var vps: String

  @Option(help: "Words of your own to keep with it.")
  var note: String?

  @Flag(help: "Follow the job to its end.")
  var wait = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let view = try await context.vps(vps)
    try await context.requireWorker(of: view.vps.node, "No backup was begun.")
    let job = try await context.asking(missing: Missing.vps(vps)) { () async throws(Refusal) in
      try await context.operations.perform(
        context.operations.createBackup(context.caller, of: vps, note: note)
      )
    }
    try await context.announce(job, wait: wait)
  }
}

extension CommandContext {
  /// Shows a job that was just accepted, or follows it.
  func announce(_ job: Job, wait: Bool) async throws(CommandFailure) {
    guard wait else {
      console.show(job.json) {
        "Job \(job.id) is accepted: \(JobText.task(job.task)).\n"
          + "Follow it with: rehome job watch \(job.id)"
      }
      return
    }
    console.note("Job \(job.id): \(JobText.task(job.task))")
    try await JobFollower(self).follow(job.id)
  }
}
