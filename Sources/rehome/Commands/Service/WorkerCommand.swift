import ArgumentParser

/// `rehome worker`.
struct WorkerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker",
    abstract: "Does this node's jobs, without the API."
  )

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    try await Server.run(.worker, options)
  }
}
