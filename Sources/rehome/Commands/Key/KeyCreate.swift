import ArgumentParser
import Model
import Operations

extension Scope: ExpressibleByArgument {}

/// `rehome key create --client CLIENT --scope SCOPE …`.
struct KeyCreate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Makes an API key; its text is shown once and never again."
  )

  @Option(help: "The client's identifier or name.")
  var client: String

  @Option(help: "What the key may do; may be repeated.")
  var scope: [Scope]

  @Option(help: "When the key ends, such as 90d; without it never.")
  var expires: String?

  @Option(help: "What the key is for, in your words.")
  var name: String?

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let lifetime = try expires.map { text throws(CommandFailure) in
      guard let duration = DurationText.parse(text), duration > .zero else {
        throw .usage("--expires is `\(text)`, but must be a duration such as 24h or 90d.")
      }
      return duration
    }
    let context = try await CommandContext.open(options)
    let made = try await context.asking(missing: Missing.client(client)) {
      () async throws(Refusal) in
      try await context.operations.createKey(
        context.caller,
        client: client,
        scopes: scope,
        lifetime: lifetime,
        name: name
      )
    }
    context.console.note("Keep the key: only a hash of it is stored. It is \(made.key.id).")
    context.console.show(made.key.json(text: made.text)) { made.text.secret.reveal() }
  }
}
