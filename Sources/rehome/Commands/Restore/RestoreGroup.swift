import ArgumentParser

/// `rehome restore …`.
struct RestoreGroup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Puts backups onto VPSs, and takes that back.",
    subcommands: [RestoreStart.self, RestoreUndo.self]
  )
}
