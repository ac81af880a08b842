import ArgumentParser
import Model
import Operations

extension RestoreStrategy: ExpressibleByArgument {}

/// `rehome restore start --to VPS [--from VPS] --backup BACKUP`.
struct RestoreStart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start",
    abstract: "Puts a backup of a VPS onto another VPS of the same client, or onto itself.",
    discussion: """
      The target keeps running until its new disk is ready and verified. Its former disk is kept \
      for a while, so that the restore can be taken back.
      """
  )

  @Option(help: ArgumentHelp("The VPS that gets the backup.", valueName: "vps"))
  var to: String

  @Option(
    help: ArgumentHelp(
      "The VPS that the backup was made of; without it the VPS that gets it.",
      valueName: "vps"
    )
  )
  var from: String?

  @Option(help: "The backup's identifier.")
  var backup: String

  @Option(help: "How the disk gets there; without it as restore.strategy says.")
  var strategy: RestoreStrategy?

  @Flag(help: "Start the target even when it was off.")
  var start = false

  @Flag(help: "Tell what would be done, and do nothing.")
  var dryRun = false

  @Flag(help: "Follow the job to its end.")
  var wait = false

  @OptionGroup var options: GlobalOptions

  func validate() throws {
    guard !dryRun || !wait else {
      throw ValidationError("Give --dry-run or --wait, not both: there is no job to wait for.")
    }
  }

  func run() async throws {
    let context = try await CommandContext.open(options)
    let target = try await context.vps(to).vps
    var source: VPS?
    if let from { source = try await context.vps(from).vps }
    let request = RestoreRequest(
      target: target.id.text,
      source: source?.id == target.id ? nil : source?.id.text,
      backup: backup,
      strategy: strategy,
      startsWhenOff: start
    )
    if dryRun {
      let preview = try await context.asking(missing: missing) { () async throws(Refusal) in
        try await context.operations.previewRestore(context.caller, request)
      }
      context.console.show(preview.json(for: target)) { preview.words(for: target) }
      return
    }
    try await context.requireWorker(of: target.node, "No restore was begun.")
    let job = try await context.asking(missing: missing) { () async throws(Refusal) in
      try await context.operations.perform(
        context.operations.restoreFromVPS(context.caller, request)
      )
    }
    try await context.announce(job, wait: wait)
  }

  /// Target and source are known to be there when this is said.
  private var missing: String {
    "There is no backup `\(backup)` of `\(from ?? to)` that can be put onto `\(to)`. It must be "
      + "complete, and both VPSs must be of one client. "
      + "`rehome backup list \(from ?? to)` shows what there is."
  }
}
