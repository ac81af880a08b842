import ArgumentParser
import Model
import Operations

/// `rehome vps terminate VPS`.
struct VPSTerminate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "terminate",
    abstract: "Ends a VPS for good; its backups are retained for its client.",
    discussion: """
      The libvirt domain is not touched: remove it yourself. The retained backups can be restored \
      onto the client's other VPSs.
      """
  )

  @Argument(help: "The VPS's identifier or unique name.")
  var vps: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let changed = try await context.asking(missing: Missing.vps(vps)) { () async throws(Refusal) in
      try await context.operations.terminateVPS(context.caller, vps, wait: .patient)
    }
    context.console.show(changed.json) {
      "VPS \(changed.id) (\(changed.name)) is terminated; its backups are retained."
    }
  }
}
