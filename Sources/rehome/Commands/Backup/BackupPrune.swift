import ArgumentParser
import Model
import Operations

/// `rehome backup prune VPS`.
struct BackupPrune: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Removes a VPS's backups but for the newest ones of some periods.",
    discussion: """
      Each number keeps the newest backup of as many periods; they are looked at in the order last, \
      hourly, daily, weekly, monthly, yearly, and a period of which a backup is kept already doesn't \
      count again, as in a Proxmox Backup Server. Periods are those of UTC. The newest complete \
      backup and those that a job reads always stay.
      """
  )

  @Argument(help: "The VPS's identifier or unique name; of a terminated one the identifier.")
  var vps: String

  @Option(help: ArgumentHelp("Keep the newest N.", valueName: "n"))
  var keepLast = 0

  @Option(help: ArgumentHelp("Keep the newest of each of N hours.", valueName: "n"))
  var keepHourly = 0

  @Option(help: ArgumentHelp("Keep the newest of each of N days.", valueName: "n"))
  var keepDaily = 0

  @Option(help: ArgumentHelp("Keep the newest of each of N weeks.", valueName: "n"))
  var keepWeekly = 0

  @Option(help: ArgumentHelp("Keep the newest of each of N months.", valueName: "n"))
  var keepMonthly = 0

  @Option(help: ArgumentHelp("Keep the newest of each of N years.", valueName: "n"))
  var keepYearly = 0

  @Flag(help: "Only tell what would go.")
  var dryRun = false

  @OptionGroup var options: GlobalOptions

  func validate() throws {
    let numbers = [keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly]
    guard numbers.allSatisfy({ $0 >= 0 }) else {
      throw ValidationError("A number to keep is 0 or more.")
    }
    guard numbers.contains(where: { $0 > 0 }) else {
      throw ValidationError("Say how many to keep: --keep-last, --keep-daily and so on.")
    }
  }

  func run() async throws {
    let context = try await CommandContext.open(options)
    let rule = PruneRule(
      last: keepLast,
      hourly: keepHourly,
      daily: keepDaily,
      weekly: keepWeekly,
      monthly: keepMonthly,
      yearly: keepYearly
    )
    let decisions = try await context.asking(missing: Missing.vps(vps)) {
      () async throws(Refusal) in
      try await context.operations.prune(context.caller, of: vps, by: rule, isDryRun: dryRun)
    }
    context.console.show(.list(decisions.map { $0.json(isDryRun: dryRun) })) {
      var table = Table("ID", "CREATED", "TYPE", "STATE", "DECISION")
      for decision in decisions {
        table.add(
          decision.backup.id.text,
          decision.backup.createdAt.text,
          decision.backup.type.rawValue,
          decision.backup.state.rawValue,
          decision.reason.map { "keep (\($0.rawValue))" } ?? (dryRun ? "would go" : "removed")
        )
      }
      return table.text(whenEmpty: "\(vps) has no backups.")
    }
  }
}

extension PruneDecision {
  fileprivate func json(isDryRun: Bool) -> JSONValue {
    [
      "id": JSONValue(backup.id), "createdAt": JSONValue(backup.createdAt),
      "state": .text(backup.state.rawValue), "backupType": .text(backup.type.rawValue),
      "reason": JSONValue(reason?.rawValue), "removed": .boolean(reason == nil && !isDryRun),
    ]
  }
}
