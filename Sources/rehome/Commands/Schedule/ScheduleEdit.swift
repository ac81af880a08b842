import ArgumentParser
import Model
import Operations

/// `rehome schedule edit VPS SCHEDULE`.
struct ScheduleEdit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "edit",
    abstract: "Changes a backup schedule; what isn't given stays as it is."
  )

  @Argument(help: "The VPS's identifier or unique name.")
  var vps: String

  @Argument(help: "The schedule's identifier.")
  var schedule: String

  @Option(help: "How often: daily, weekly or monthly.")
  var frequency: ScheduleFrequency?

  @Option(help: "The hour in UTC, from 0 to 23.")
  var hour: Int?

  @Option(help: "The day of a weekly one, from 0 to 6; 0 is Sunday.")
  var dayOfWeek: Int?

  @Option(help: "The day of a monthly one, from 1 to 31; in a shorter month it is the last.")
  var dayOfMonth: Int?

  @Option(help: ArgumentHelp("How many complete backups of it are kept.", valueName: "n"))
  var keep: Int?

  @Option(help: "A name of your own.")
  var name: String?

  @Flag(help: "Let it run.")
  var enable = false

  @Flag(help: "Let it rest.")
  var disable = false

  @OptionGroup var options: GlobalOptions

  func validate() throws {
    guard !enable || !disable else {
      throw ValidationError("Give --enable or --disable, not both.")
    }
  }

  func run() async throws {
    let context = try await CommandContext.open(options)
    let changed = try await context.asking(missing: Missing.schedule(schedule, of: vps)) {
      () async throws(Refusal) in
      try await context.operations.editSchedule(
        context.caller,
        schedule,
        of: vps,
        ScheduleChanges(
          name: name.map { .some($0) },
          frequency: frequency,
          hour: hour,
          dayOfWeek: dayOfWeek.map { .some($0) },
          dayOfMonth: dayOfMonth.map { .some($0) },
          retentionCount: keep,
          isEnabled: enable ? true : disable ? false : nil
        )
      )
    }
    context.console.show(changed.json) { changed.words }
  }
}
