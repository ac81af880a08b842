import ArgumentParser
import Model
import Operations

/// `rehome job list`.
struct JobList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Shows jobs, newest first."
  )

  @Option(help: ArgumentHelp("Of this VPS alone, by identifier or name.", valueName: "vps"))
  var vps: String?

  @Option(help: "At most so many.")
  var limit = 20

  @OptionGroup var options: GlobalOptions

  func validate() throws {
    guard (1...1000).contains(limit) else {
      throw ValidationError("--limit must be a number from 1 to 1000.")
    }
  }

  func run() async throws {
    let context = try await CommandContext.open(options)
    let jobs = try await context.asking(missing: Missing.vps(vps ?? "")) {
      () async throws(Refusal) in
      try await context.operations.jobs(context.caller, vps: vps, limit: limit)
    }
    context.console.show(.list(jobs.map(\.json))) {
      var table = Table("ID", "KIND", "VPS", "STATE", "DONE>", "CREATED", "STEP")
      for job in jobs {
        table.add(
          job.id.text,
          job.task.kind.rawValue,
          job.vpsID.text,
          job.state.rawValue,
          "\(job.progress.percent) %",
          job.createdAt.text,
          job.failure?.code.rawValue ?? ProgressText.step(job)
        )
      }
      return table.text(whenEmpty: "There are no jobs.")
    }
  }
}
