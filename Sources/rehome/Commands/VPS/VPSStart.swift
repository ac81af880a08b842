import ArgumentParser
import Model

/// `rehome vps start VPS`.
struct VPSStart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start",
    abstract: "Boots a VPS that is off."
  )

  @Argument(help: "The VPS's identifier or unique name.")
  var vps: String

  @Flag(help: "Follow the job to its end.")
  var wait = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    try await context.changePower(of: vps, PowerTask(action: .start), wait: wait)
  }
}
