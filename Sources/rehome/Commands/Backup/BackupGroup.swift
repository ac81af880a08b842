import ArgumentParser

/// `rehome backup …`.
struct BackupGroup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Backups of VPSs.",
    subcommands: [
      BackupCreate.self, BackupList.self, BackupDelete.self, BackupPrune.self, BackupVerify.self,
    ]
  )
}
