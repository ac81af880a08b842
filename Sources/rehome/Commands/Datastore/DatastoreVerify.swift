import ArgumentParser
import Model
import Operations

/// `rehome datastore verify`.
struct DatastoreVerify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Has every byte of all backups of this node read.",
    discussion: """
      A backup with a missing or bad part becomes damaged: it isn't offered for restores until a \
      later backup has stored its chunks anew. It is done by itself every datastore.verifyEvery, at \
      datastore.verifyRate.
      """
  )

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let node = context.settings.node.name
    try await context.requireWorker(of: node, "Nothing was verified.")
    let task = try await context.asking(missing: Missing.node(node)) {
      () async throws(Refusal) in
      try await context.operations.verifyBackups(context.caller, node: node)
    }
    try await context.showVerification(task)
  }
}

extension CommandContext {
  /// Follows a verification to its end and shows what it found.
  func showVerification(_ task: StoreTask) async throws(CommandFailure) {
    let ended = try await StoreTaskFollower(self).follow(task)
    let report = ended.verification ?? VerificationReport()
    console.show(report.json) { report.words }
  }
}
