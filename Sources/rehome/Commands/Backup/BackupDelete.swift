import ArgumentParser
import Model
import Operations

/// `rehome backup delete BACKUP`.
struct BackupDelete: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Removes a backup that no job reads; the worker removes its files."
  )

  @Argument(help: "The backup's identifier.")
  var backup: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    try await context.asking(missing: Missing.backup(backup)) { () async throws(Refusal) in
      try await context.operations.deleteBackup(context.caller, backup)
    }
    context.console.show(["id": .text(backup), "deleted": .boolean(true)]) {
      "Backup \(backup) is removed."
    }
  }
}
