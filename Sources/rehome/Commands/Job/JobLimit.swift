import ArgumentParser
import Model
import Operations

extension IOPriority: ExpressibleByArgument {}

/// A rate on the command line.
private struct RateArgument: ExpressibleByArgument {
  let bound: Int64?

  init?(argument: String) {
    guard let rate = RateText.parse(argument) else { return nil }
    bound = rate.bound
  }
}

/// `rehome job limit JOB --rate 50M`.
struct JobLimit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "limit",
    abstract: "Changes how much of its host a job may take, while it runs."
  )

  @Argument(help: "The job's identifier.")
  var job: String

  @Option(
    help: ArgumentHelp(
      "Bytes a second: a number with K, M or G, or none for no bound.",
      valueName: "rate"
    )
  )
  private var rate: RateArgument?

  @Option(help: "How urgent the job's disk I/O is.")
  var ioPriority: IOPriority?

  @OptionGroup var options: GlobalOptions

  func validate() throws {
    guard rate != nil || ioPriority != nil else {
      throw ValidationError("Give --rate, --io-priority or both.")
    }
  }

  func run() async throws {
    let context = try await CommandContext.open(options)
    let (rate, ioPriority) = (rate, ioPriority)
    let found = try await context.asking(missing: Missing.job(job)) { () async throws(Refusal) in
      try await context.operations.limitJob(context.caller, job) { limits in
        if let rate { limits.bytesPerSecond = rate.bound }
        if let ioPriority { limits.ioPriority = ioPriority }
      }
    }
    context.console.show(found.json) {
      found.state.isFinal
        ? "Job \(found.id) has ended already."
        : "Job \(found.id): rate \(RateText.of(found.limits.bytesPerSecond)), "
          + "I/O priority \(found.limits.ioPriority?.rawValue ?? "as the installation says")."
    }
  }
}
