import ArgumentParser
import Model
import Operations

/// `rehome key revoke KEY`.
struct KeyRevoke: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "Ends a key for good."
  )

  @Argument(help: "The key's identifier, such as key_01…")
  var key: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let revoked = try await context.asking(missing: Missing.key(key)) { () async throws(Refusal) in
      try await context.operations.revokeKey(context.caller, key)
    }
    context.console.show(revoked.json()) { "Key \(revoked.id) opens nothing any more." }
  }
}
