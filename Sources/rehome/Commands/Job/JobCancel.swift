import ArgumentParser
import Model
import Operations

/// `rehome job cancel JOB`.
struct JobCancel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel",
    abstract: "Ends a job, until it exchanges disks; the VPS is left as it was."
  )

  @Argument(help: "The job's identifier.")
  var job: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let found = try await context.asking(missing: Missing.job(job)) { () async throws(Refusal) in
      try await context.operations.perform(context.operations.cancelJob(context.caller, job))
    }
    context.console.show(found.json) {
      found.state.isFinal
        ? "Job \(found.id) is cancelled."
        : "Job \(found.id) is asked to end. Follow it with: rehome job watch \(found.id)"
    }
  }
}
