import ArgumentParser
import Model
import Operations

/// `rehome job resolve JOB`.
struct JobResolve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resolve",
    abstract: "Says that you have put in order what a job left to an operator.",
    discussion: """
      Only for a job whose `rehome job show` says so. Until then nothing is done with its VPS: no \
      backup, restore or schedule, and no start. Look at the disks first: the next backup takes \
      them as they are.
      """
  )

  @Argument(help: "The job's identifier.")
  var job: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let found = try await context.asking(missing: Missing.job(job)) { () async throws(Refusal) in
      try await context.operations.resolveJob(context.caller, job)
    }
    context.console.show(found.json) {
      "Job \(found.id) is resolved. Backups, restores and schedules of \(found.vpsID) go on."
    }
  }
}
