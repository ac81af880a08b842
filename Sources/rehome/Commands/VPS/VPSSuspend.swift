import ArgumentParser
import Model
import Operations

/// `rehome vps suspend VPS`.
struct VPSSuspend: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "suspend",
    abstract: "Suspends a VPS: nothing may be done with it until it is resumed.",
    discussion: """
      A restore that hasn't exchanged the disks is cancelled; one that has is waited for. The \
      machine itself is not stopped.
      """
  )

  @Argument(help: "The VPS's identifier or unique name.")
  var vps: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let context = try await CommandContext.open(options)
    let changed = try await context.asking(missing: Missing.vps(vps)) { () async throws(Refusal) in
      try await context.operations.suspendVPS(context.caller, vps, wait: .patient)
    }
    context.console.show(changed.json) { "VPS \(changed.id) (\(changed.name)) is suspended." }
  }
}

extension ServiceChangeWait {
  /// A restore past its exchange is over in minutes: its guest starts and is asked.
  static let patient = ServiceChangeWait(bound: .seconds(600)) {
    // Ended early only when the command ends.
    try? await Task.sleep(for: .milliseconds(250))
  }
}
