import ArgumentParser
import Model
import Operations

/// `rehome job show JOB`.
struct JobShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a job: how far it is, or what came of it."
  )

  @Argument(help: "The job's identifier.")
  var job: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let found = try await context.asking(missing: Missing.job(job)) { () async throws(Refusal) in
      try await context.operations.job(context.caller, job)
    }
    context.console.show(found.json) { found.words }
  }
}
