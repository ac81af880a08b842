import ArgumentParser
import Datastore
import Model
import Operations

/// `rehome datastore gc`.
struct DatastoreCollect: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract: "Removes the chunks that no backup has used for a day.",
    discussion: """
      The node's worker does it, beside backups and restores. Where none is alive this command does \
      it itself, and a server can start when it is done. It comes by itself every \
      datastore.collectEvery.
      """
  )

  @Flag(help: "Only tell what would go.")
  var dryRun = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let node = context.settings.node.name
    let hasWorker = try await context.asking(missing: "") { () async throws(Refusal) in
      try await context.operations.hasLiveWorker(node: node)
    }
    let report: GarbageReport?
    if dryRun || !hasWorker {
      report = try await collect(context)
    } else {
      let task = try await context.asking(missing: Missing.node(node)) {
        () async throws(Refusal) in
        try await context.operations.collectGarbage(context.caller, node: node)
      }
      report = try await StoreTaskFollower(context).follow(task).garbage
    }
    guard let report else { return }
    context.console.show(report.json) { report.words }
  }

  /// Collects in this process, or tells what would go: then the server may be at work meanwhile.
  private func collect(_ context: CommandContext) async throws(CommandFailure) -> GarbageReport {
    let store = try await context.settings.storage.openDatastore()
    do throws(DatastoreError) {
      return try await store.collectGarbage(isDryRun: dryRun)
    } catch {
      throw .datastore(error)
    }
  }
}
