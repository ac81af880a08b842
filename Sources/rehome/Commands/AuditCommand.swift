import ArgumentParser
import Catalog
import Model
import Operations

/// `rehome audit`.
struct AuditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Shows who changed what, newest first.",
    discussion: """
      An actor is `key:KEY`, `operator:LOGIN` or `worker:NODE`; a subject is an identifier. \
      More of the log is shown with --before and the last number that was shown.
      """
  )

  @Option(
    help: ArgumentHelp(
      "From then on: a time such as 2026-04-27T12:00:00Z, or a duration ago such as 24h.",
      valueName: "time"
    )
  )
  var since: String?

  @Option(help: "By this actor alone, such as operator:root.")
  var actor: String?

  @Option(help: "Of this alone, such as a VPS, a key or a job by its identifier.")
  var subject: String?

  @Option(help: "With this action alone, such as restore.accept.")
  var action: String?

  @Option(help: ArgumentHelp("Before this number of the log.", valueName: "number"))
  var before: Int64?

  @Option(help: "At most so many.")
  var limit = 50

  @OptionGroup var options: GlobalOptions

  func validate() throws {
    guard (1...1000).contains(limit) else {
      throw ValidationError("--limit must be a number from 1 to 1000.")
    }
  }

  func run() async throws {
    let context = try await CommandContext.open(options)
    let filter = AuditFilter(
      since: try since.map { text throws(CommandFailure) in
        try Self.moment(text, now: context.operations.clock.now())
      },
      actor: actor,
      subject: subject,
      action: action,
      before: before,
      limit: limit
    )
    let records = try await context.asking(missing: "") { () async throws(Refusal) in
      try await context.operations.auditRecords(filter)
    }
    context.console.show(.list(records.map(\.json))) {
      var table = Table("NUMBER>", "TIME", "ACTOR", "ACTION", "SUBJECT", "DETAIL", "FROM")
      for record in records {
        table.add(
          "\(record.sequence)",
          record.entry.at.text,
          record.entry.actor,
          record.entry.action,
          record.entry.subject,
          record.entry.detail,
          record.entry.address
        )
      }
      return table.text(whenEmpty: "Nothing is in the log that this asks for.")
    }
  }

  /// Reads a time, or how long ago it was.
  static func moment(_ text: String, now: Timestamp) throws(CommandFailure) -> Timestamp {
    if let ago = DurationText.parse(text) { return now.advanced(by: .zero - ago) }
    guard let moment = Timestamp(text) else {
      throw .usage(
        "--since is `\(text)`, but must be a time such as 2026-04-27T12:00:00Z or a duration "
          + "such as 24h."
      )
    }
    return moment
  }
}
