import ArgumentParser
import Disks
import Glibc

/// The program: its commands, and the one place where errors become exit codes.
@main
struct RehomeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rehome",
    abstract: "Puts a backup of one VPS onto another VPS of the same client.",
    discussion: """
      `rehome serve` answers the API and does the work; the other commands are an operator's. \
      They work on the catalog in data.path, so run them as the user that runs the server.

      Exit codes: 0 ok, 1 the job failed, 2 usage, 3 refused, 4 not found, 5 no worker, or libvirt \
      or catalog unreachable.
      """,
    version: ProgramVersion.text,
    subcommands: [
      ServeCommand.self, WorkerCommand.self, ClientGroup.self, KeyGroup.self, VPSGroup.self,
      BackupGroup.self, ScheduleGroup.self, RestoreGroup.self, JobGroup.self, DatastoreGroup.self,
      CatalogGroup.self, AuditCommand.self, RecoverCommand.self,
      DoctorCommand.self,
    ]
  )

  static func main() async {
    ProcessMemory.returnLargeBlocks()
    ProgramLog.install()
    let arguments = Array(CommandLine.arguments.dropFirst())
    Glibc.exit(await status(of: arguments).rawValue)
  }

  private static func status(of arguments: [String]) async -> ExitStatus {
    let asJSON = arguments.contains("--json")
    do {
      var command = try parseAsRoot(arguments)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
      return .ok
    } catch let failure as CommandFailure {
      Console.complain(failure, asJSON: asJSON)
      return failure.exitStatus
    } catch {
      return status(of: error, asJSON: asJSON)
    }
  }

  /// What the argument parser throws: a wrong command line, or a wish for help.
  private static func status(of error: any Error, asJSON: Bool) -> ExitStatus {
    if exitCode(for: error).isSuccess {
      Console(isJSON: false).show(.null) { fullMessage(for: error) }
      return .ok
    }
    let failure = CommandFailure.usage(asJSON ? message(for: error) : fullMessage(for: error))
    if asJSON {
      Console.complain(failure, asJSON: true)
    } else {
      Console(isJSON: false).note(fullMessage(for: error))
    }
    return failure.exitStatus
  }
}
