import ArgumentParser
import Model
import Operations

/// `rehome client delete CLIENT`.
struct ClientDelete: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Removes a client that owns nothing."
  )

  @Argument(help: "The client's identifier or name.")
  var client: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    try await context.asking(missing: Missing.client(client)) { () async throws(Refusal) in
      try await context.operations.deleteClient(context.caller, client)
    }
    context.console.show(["client": .text(client), "deleted": .boolean(true)]) {
      "Client \(client) is removed."
    }
  }
}
