import ArgumentParser
import Model
import Operations

/// `rehome backup list VPS`.
struct BackupList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Shows a VPS's backups, newest first."
  )

  @Argument(help: "The VPS's identifier or unique name; of a terminated one the identifier.")
  var vps: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let list = try await context.asking(missing: Missing.vps(vps)) { () async throws(Refusal) in
      try await context.operations.backups(context.caller, of: vps)
    }
    context.console.show(.list(list.backups.map(\.json))) {
      var table = Table("ID", "CREATED", "STATE", "TYPE", "SIZE>", "NOT ZERO>", "VERIFIED", "NOTE")
      for backup in list.backups {
        table.add(
          backup.id.text,
          backup.createdAt.text,
          backup.state.rawValue,
          backup.type.rawValue,
          backup.contents.map { ByteText.of($0.sizeBytes) },
          backup.contents.map { ByteText.of($0.nonZeroBytes) },
          backup.verifiedAt?.text,
          backup.note
        )
      }
      return table.text(
        whenEmpty: "\(list.view.vps.id) has no backups. Make one: rehome backup create \(vps)"
      )
    }
  }
}
