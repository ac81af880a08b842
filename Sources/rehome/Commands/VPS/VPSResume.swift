import ArgumentParser
import Model
import Operations

/// `rehome vps resume VPS`.
struct VPSResume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Makes a suspended VPS active again."
  )

  @Argument(help: "The VPS's identifier or unique name.")
  var vps: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let changed = try await context.asking(missing: Missing.vps(vps)) { () async throws(Refusal) in
      try await context.operations.resumeVPS(context.caller, vps)
    }
    context.console.show(changed.json) { "VPS \(changed.id) (\(changed.name)) is active." }
  }
}
