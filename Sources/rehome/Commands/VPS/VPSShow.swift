import ArgumentParser
import Model
import Operations

/// `rehome vps show VPS`.
struct VPSShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a VPS, what may be done with it, and what is kept to undo its last restore."
  )

  @Argument(help: "The VPS's identifier or unique name.")
  var vps: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let view = try await context.vps(vps)
    let undo = try await context.asking(missing: Missing.vps(vps)) { () async throws(Refusal) in
      try await context.operations.undoRecord(of: view.vps.id)
    }
    context.console.show(view.json(undo: undo)) { view.words(undo: undo) }
  }
}
