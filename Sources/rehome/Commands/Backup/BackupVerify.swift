import ArgumentParser
import Model
import Operations

/// `rehome backup verify BACKUP`.
struct BackupVerify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Has every byte of a backup read, and tells whether it is whole."
  )

  @Argument(help: "The backup's identifier.")
  var backup: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let task = try await context.asking(missing: Missing.backup(backup)) {
      () async throws(Refusal) in
      try await context.operations.verifyBackup(context.caller, backup)
    }
    try await context.showVerification(task)
  }
}
