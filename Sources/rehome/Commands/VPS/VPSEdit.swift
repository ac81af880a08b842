import ArgumentParser
import Model
import Operations

/// `rehome vps edit VPS`.
struct VPSEdit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "edit",
    abstract: "Changes what Rehome keeps about a VPS.",
    discussion: """
      Host name, network and user-data reach the guest with its next restore; the running guest is \
      not touched.
      """
  )

  @Argument(help: "The VPS's identifier or unique name.")
  var vps: String

  @Option(help: "The name that the client sees.")
  var name: String?

  @Option(help: "The guest's host name.")
  var hostname: String?

  @Option(help: ArgumentHelp("Its network, netplan version 2.", valueName: "file"))
  var network: String?

  @Option(help: ArgumentHelp("Its cloud-init user-data.", valueName: "file"))
  var userData: String?

  @Option(help: "How many backups it may have.")
  var backupLimit: Int?

  @Flag(help: "Let it have any number of backups.")
  var noBackupLimit = false

  @OptionGroup var options: GlobalOptions

  func validate() throws {
    guard backupLimit == nil || !noBackupLimit else {
      throw ValidationError("Give --backup-limit or --no-backup-limit, not both.")
    }
    guard backupLimit ?? 0 >= 0 else {
      throw ValidationError("--backup-limit must not be negative.")
    }
  }

  func run() async throws {
    let changes = VPSChanges(
      name: name,
      hostname: hostname,
      network: try network.map(OperatorFile.network),
      userData: try userData.map(OperatorFile.userData),
      backupLimit: noBackupLimit ? .some(nil) : backupLimit.map { .some($0) }
    )
    let context = try await CommandContext.open(options)
    let edited = try await context.asking(missing: Missing.vps(vps)) { () async throws(Refusal) in
      try await context.operations.editVPS(context.caller, vps, changes)
    }
    context.console.show(edited.json) { "VPS \(edited.id) (\(edited.name)) is changed." }
  }
}
