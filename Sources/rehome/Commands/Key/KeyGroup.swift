import ArgumentParser

/// `rehome key …`.
struct KeyGroup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "API keys of clients.",
    subcommands: [KeyCreate.self, KeyList.self, KeyRoll.self, KeyRevoke.self]
  )
}
