import ArgumentParser
import Model

/// `rehome vps restart VPS`.
struct VPSRestart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restart",
    abstract: "Asks the guest to shut down, then boots it."
  )

  @Argument(help: "The VPS's identifier or unique name.")
  var vps: String

  @Flag(help: "Pull the plug when the guest doesn't obey in time.")
  var force = false

  @Flag(help: "Follow the job to its end.")
  var wait = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    try await context.changePower(of: vps, PowerTask(action: .restart, isForced: force), wait: wait)
  }
}
