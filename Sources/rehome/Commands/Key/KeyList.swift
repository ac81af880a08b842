import ArgumentParser
import Model
import Operations

/// `rehome key list`.
struct KeyList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Shows keys without their texts."
  )

  @Option(help: "Of this client alone, by identifier or name.")
  var client: String?

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let keys = try await context.asking(missing: Missing.client(client ?? "")) {
      () async throws(Refusal) in
      try await context.operations.keys(client: client)
    }
    context.console.show(.list(keys.map { $0.json() })) {
      var table = Table(
        "ID",
        "CLIENT",
        "NAME",
        "SCOPES",
        "CREATED",
        "EXPIRES",
        "REVOKED",
        "LAST USED"
      )
      for key in keys {
        table.add(
          key.id.text,
          key.clientID.text,
          key.name,
          key.scopes.map(\.rawValue).joined(separator: " "),
          key.createdAt.text,
          key.expiresAt?.text,
          key.revokedAt?.text,
          key.lastUsedAt?.text
        )
      }
      return table.text(whenEmpty: "There are no keys.")
    }
  }
}
