import ArgumentParser
import Model
import Operations

extension ScheduleFrequency: ExpressibleByArgument {}

/// `rehome schedule add VPS --frequency FREQUENCY --hour HOUR --keep N`.
struct ScheduleAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Has backups of a VPS made by themselves.",
    discussion:
      "Times are UTC. A turn that was missed, because nothing ran, is taken late and once."
  )

  @Argument(help: "The VPS's identifier or unique name.")
  var vps: String

  @Option(help: "How often: daily, weekly or monthly.")
  var frequency: ScheduleFrequency

  @Option(help: "The hour in UTC, from 0 to 23.")
  var hour: Int

  @Option(help: "The day of a weekly one, from 0 to 6; 0 is Sunday.")
  var dayOfWeek: Int?

  @Option(help: "The day of a monthly one, from 1 to 31; in a shorter month it is the last.")
  var dayOfMonth: Int?

  @Option(help: ArgumentHelp("How many complete backups of it are kept.", valueName: "n"))
  var keep: Int

  @Option(help: "A name of your own.")
  var name: String?

  @Flag(help: "Add it without letting it run.")
  var disabled = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let added = try await context.asking(missing: Missing.vps(vps)) { () async throws(Refusal) in
      try await context.operations.perform(
        context.operations.addSchedule(
          context.caller,
          of: vps,
          ScheduleRequest(
            name: name,
            timing: ScheduleTiming(
              frequency: frequency,
              hour: hour,
              dayOfWeek: dayOfWeek,
              dayOfMonth: dayOfMonth
            ),
            retentionCount: keep,
            isEnabled: !disabled
          )
        )
      )
    }
    context.console.show(added.json) { added.words }
  }
}
