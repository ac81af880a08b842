import ArgumentParser
import Catalog
import Model
import Operations

/// `rehome vps list`.
struct VPSList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Shows all VPSs."
  )

  @Option(help: "Of this client alone, by identifier or name.")
  var client: String?

  @Flag(help: "Terminated ones, too.")
  var all = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let (client, all) = (client, all)
    let found = try await context.asking(missing: Missing.client(client ?? "")) {
      () async throws(Refusal) in
      try await context.operations.read { transaction in
        let owner = try client.map { text in
          let byID = try ClientID(text).map { try transaction.client($0) } ?? nil
          guard let found = try byID ?? transaction.client(named: text) else {
            throw Refusal.notFound
          }
          return found.id
        }
        return try transaction.listVPS(VPSFilter(clientID: owner, includesTerminated: all))
      }
    }
    context.console.show(.list(found.map(\.json))) {
      var table = Table("ID", "NAME", "CLIENT", "DOMAIN", "NODE", "SERVICE", "POWER", "ADDRESS")
      for vps in found {
        table.add(
          vps.id.text,
          vps.name,
          vps.clientID.text,
          vps.domainName,
          vps.node,
          vps.serviceStatus.rawValue,
          vps.observation?.powerState.rawValue,
          vps.primaryIP
        )
      }
      return table.text(whenEmpty: "There are no VPSs. Add one: rehome vps add")
    }
  }
}
