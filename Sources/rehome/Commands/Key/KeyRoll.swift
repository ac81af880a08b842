import ArgumentParser
import Model
import Operations

/// `rehome key roll KEY`.
struct KeyRoll: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "roll",
    abstract: "Makes a key in another one's place; its text is shown once and never again.",
    discussion: """
      The new key has the scopes, the name and a lifetime of the length of the old one, which ends \
      when --grace is over: at once without it.
      """
  )

  @Argument(help: "The old key's identifier, such as key_01…")
  var key: String

  @Option(help: "How long the old key still opens something, such as 24h.")
  var grace = "0s"

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    guard let duration = DurationText.parse(grace) else {
      throw CommandFailure.usage(
        "--grace is `\(grace)`, but must be a duration such as 0s, 24h or 7d."
      )
    }
    let context = try await CommandContext.open(options)
    let made = try await context.asking(missing: Missing.key(key)) { () async throws(Refusal) in
      try await context.operations.rollKey(context.caller, key, grace: duration)
    }
    context.console.note(
      "Keep the key: only a hash of it is stored. It is \(made.key.id), in place of \(key)."
    )
    context.console.show(made.key.json(text: made.text)) { made.text.secret.reveal() }
  }
}
