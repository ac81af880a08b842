import ArgumentParser
import Model

/// `rehome job watch JOB`.
struct JobWatch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Follows a job to its end."
  )

  @Argument(help: "The job's identifier.")
  var job: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    guard let id = JobID(job) else { throw CommandFailure.missing(Missing.job(job)) }
    try await JobFollower(context).follow(id)
  }
}
