import ArgumentParser

/// `rehome datastore …`.
struct DatastoreGroup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "datastore",
    abstract: "The store that holds the backups.",
    subcommands: [
      DatastoreStatusCommand.self, DatastoreCollect.self, DatastoreVerify.self,
    ]
  )
}
