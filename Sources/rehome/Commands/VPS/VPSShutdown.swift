import ArgumentParser
import Model

/// `rehome vps shutdown VPS`.
struct VPSShutdown: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shutdown",
    abstract: "Asks the guest to shut down; it is never forced to."
  )

  @Argument(help: "The VPS's identifier or unique name.")
  var vps: String

  @Flag(help: "Follow the job to its end.")
  var wait = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    try await context.changePower(of: vps, PowerTask(action: .shutdown), wait: wait)
  }
}
