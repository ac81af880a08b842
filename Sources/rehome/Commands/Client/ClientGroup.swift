import ArgumentParser

/// `rehome client …`.
struct ClientGroup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "client",
    abstract: "Clients: those who own VPSs, backups and API keys.",
    subcommands: [ClientCreate.self, ClientList.self, ClientDelete.self]
  )
}
