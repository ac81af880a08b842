import ArgumentParser
import Model
import Operations

/// `rehome client create NAME`.
struct ClientCreate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Registers a client."
  )

  @Argument(help: "The client's name; unique.")
  var name: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let client = try await context.asking(missing: Missing.client(name)) {
      () async throws(Refusal) in
      try await context.operations.createClient(context.caller, name: name)
    }
    context.console.show(client.json) { "Client \(client.id) (\(client.name)) is registered." }
  }
}
