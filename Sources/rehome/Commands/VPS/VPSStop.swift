import ArgumentParser
import Model

/// `rehome vps stop VPS`.
struct VPSStop: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop",
    abstract: "Pulls the plug of a VPS."
  )

  @Argument(help: "The VPS's identifier or unique name.")
  var vps: String

  @Flag(help: "Follow the job to its end.")
  var wait = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    try await context.changePower(of: vps, PowerTask(action: .stop), wait: wait)
  }
}
