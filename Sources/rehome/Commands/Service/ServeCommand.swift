import ArgumentParser
import Jobs
import Logging
import ServiceLifecycle
import UnixSignals

/// `rehome serve`.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Answers the API and, unless worker.enabled is false, does this node's jobs."
  )

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    try await Server.run(.server, options)
  }
}

/// Runs a server until a signal ends it.
enum Server {
  static func run(_ role: Composition.Role, _ options: GlobalOptions) async throws(CommandFailure) {
    // First of all: who sends one doesn't mean to end a server that is just beginning.
    let hangups = await UnixSignalsSequence(trapping: .sighup)
    let settings = try await options.read()
    let logger = ProgramLog.server(settings.logLevel, settings.logFormat)
    for name in settings.unknownVariables {
      logger.warning("variable sets nothing", metadata: ["variable": "\(name)"])
    }
    // A file that was there and isn't any more is an error, not a configuration without a word.
    var options = options
    options.config = settings.file ?? options.config
    let again = HangupReload.Source(signals: hangups, file: settings.file) {
      [options] () async throws(CommandFailure) in try await options.read()
    }
    let group = try await Composition.group(role, settings, again: again, logger: logger)
    logger.notice(
      "rehome starts",
      metadata: [
        "version": "\(ProgramVersion.text)", "node": "\(settings.node.name)",
        "data.path": "\(settings.storage.dataPath)",
      ]
    )
    do {
      try await group.run()
    } catch let fault as WorkerFault {
      throw CommandFailure(fault)
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw .stopped("The server ended because a part of it did: \(error)")
    }
    logger.notice("rehome ended")
  }
}

extension CommandFailure {
  /// Why a worker can't start.
  init(_ fault: WorkerFault) {
    switch fault {
    case .alreadyRunning(let node, _):
      self = .stopped(
        "Another worker of node \(node) runs already on this host. Stop it first."
      )
    case .locks(let path, let reason): self = .place(path: path, reason: "\(reason).")
    case .catalog(let error): self = .catalog(error)
    }
  }
}
