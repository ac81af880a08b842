import ArgumentParser

/// `rehome catalog …`.
struct CatalogGroup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "catalog",
    abstract: "What Rehome keeps about clients, VPSs, backups and jobs.",
    subcommands: [CatalogBackup.self]
  )
}
