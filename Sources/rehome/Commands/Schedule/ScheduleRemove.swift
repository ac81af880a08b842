import ArgumentParser
import Model
import Operations

/// `rehome schedule remove VPS SCHEDULE`.
struct ScheduleRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Ends a backup schedule; its backups stay until somebody deletes them."
  )

  @Argument(help: "The VPS's identifier or unique name.")
  var vps: String

  @Argument(help: "The schedule's identifier.")
  var schedule: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    try await context.asking(missing: Missing.schedule(schedule, of: vps)) {
      () async throws(Refusal) in
      try await context.operations.removeSchedule(context.caller, schedule, of: vps)
    }
    context.console.show(["id": .text(schedule), "removed": .boolean(true)]) {
      "\(schedule) is removed. Its backups stay."
    }
  }
}
