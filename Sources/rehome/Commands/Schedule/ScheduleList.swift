import ArgumentParser
import Model
import Operations

/// `rehome schedule list VPS`.
struct ScheduleList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Shows a VPS's backup schedules and what came of their last turns."
  )

  @Argument(help: "The VPS's identifier or unique name.")
  var vps: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let found = try await context.asking(missing: Missing.vps(vps)) { () async throws(Refusal) in
      try await context.operations.schedules(context.caller, of: vps)
    }
    context.console.show(.list(found.map(\.json))) {
      var table = Table("ID", "NAME", "RUNS", "KEEPS>", "NEXT", "LAST")
      for view in found {
        table.add(
          view.schedule.id.text,
          view.schedule.name,
          view.schedule.timing.words,
          "\(view.schedule.retentionCount)",
          view.schedule.isEnabled ? view.schedule.attemptAt.text : "disabled",
          view.lastWords
        )
      }
      return table.text(
        whenEmpty: "\(vps) has no schedules. Add one: rehome schedule add \(vps) "
          + "--frequency daily --hour 3 --keep 7"
      )
    }
  }
}
