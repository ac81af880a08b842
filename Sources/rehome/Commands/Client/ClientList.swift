import ArgumentParser
import Model
import Operations

/// `rehome client list`.
struct ClientList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Shows all clients."
  )

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let clients = try await context.asking(missing: "") { () async throws(Refusal) in
      try await context.operations.clients()
    }
    context.console.show(.list(clients.map(\.json))) {
      var table = Table("ID", "NAME", "CREATED")
      for client in clients { table.add(client.id.text, client.name, client.createdAt.text) }
      return table.text(whenEmpty: "There are no clients. Register one: rehome client create NAME")
    }
  }
}
