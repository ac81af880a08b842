import ArgumentParser
import Foundation
import Glibc
import Logging
import Model
import Operations

/// What every command takes.
struct GlobalOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The configuration file.",
      discussion: "Without it REHOME_CONFIG, then /etc/rehome/rehome.yaml if it is there.",
      valueName: "file"
    )
  )
  var config: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "A configuration value, over file and environment; may be repeated.",
      valueName: "key=value"
    )
  )
  var overrides: [String] = []

  @Flag(help: "Write one JSON object or array instead of words.")
  var json = false

  /// The configuration as this command line has it, with a word about variables that set nothing.
  func settings() async throws(CommandFailure) -> Settings {
    let settings = try await read()
    for name in settings.unknownVariables {
      Console(isJSON: json).note("rehome: \(name) sets nothing: it isn't the name of a setting.")
    }
    return settings
  }

  /// The configuration as this command line has it.
  func read() async throws(CommandFailure) -> Settings {
    do throws(SettingsFault) {
      return try await SettingsReader.read(
        file: config,
        environment: ProcessInfo.processInfo.environment,
        overrides: overrides
      )
    } catch {
      throw .settings(error)
    }
  }
}

/// What a command works with: the use cases over the opened catalog, and where its words go.
struct CommandContext: Sendable {
  /// The configuration.
  let settings: Settings
  /// The use cases.
  let operations: Operations
  /// Who asks: an operator on this host.
  let caller: Caller
  /// Where words go.
  let console: Console

  /// Reads the configuration and opens the catalog.
  static func open(_ options: GlobalOptions) async throws(CommandFailure) -> CommandContext {
    let settings = try await options.settings()
    let logger = ProgramLog.quiet(settings.logLevel)
    let layout = DataLayout(settings)
    try await layout.prepare()
    let catalog = try await layout.openCatalog(logger: logger)
    return CommandContext(
      settings: settings,
      operations: Operations(
        catalog: catalog,
        clock: SystemWallClock(),
        policy: settings.policy,
        logger: logger
      ),
      caller: Caller(identity: .system(login)),
      console: Console(isJSON: options.json)
    )
  }

  /// Asks the use cases; `missing` tells what it means that something wasn't found.
  func asking<Value>(
    missing: @autoclosure () -> String,
    _ body: () async throws(Refusal) -> Value
  ) async throws(CommandFailure) -> Value {
    do throws(Refusal) {
      return try await body()
    } catch {
      throw error == .notFound ? .missing(missing()) : .refused(error)
    }
  }

  /// The VPS with an identifier or a unique name.
  func vps(_ text: String) async throws(CommandFailure) -> VPSView {
    try await asking(missing: Missing.vps(text)) { () async throws(Refusal) in
      try await operations.vps(caller, text)
    }
  }

  /// Ends the command when nobody would do the work that it asks for.
  func requireWorker(of node: String, _ consequence: String) async throws(CommandFailure) {
    let isAlive = try await asking(missing: "") { () async throws(Refusal) in
      try await operations.hasLiveWorker(node: node)
    }
    guard isAlive else { throw .noWorker(node: node, consequence: consequence) }
  }

  /// Who is behind sudo, or who is logged in.
  private static var login: String {
    let environment = ProcessInfo.processInfo.environment
    let name = environment["SUDO_USER"] ?? environment["USER"] ?? environment["LOGNAME"]
    return name.flatMap { $0.isEmpty ? nil : String($0.prefix(64)) } ?? "uid-\(getuid())"
  }
}

/// What it means that something wasn't found, and where to look.
enum Missing {
  static func vps(_ text: String) -> String {
    "There is no VPS `\(text)`, or several have that name. `rehome vps list` shows them all."
  }

  static func client(_ text: String) -> String {
    "There is no client `\(text)`. `rehome client list` shows them all."
  }

  static func node(_ name: String) -> String {
    "There is no node `\(name)` yet. `rehome serve` makes it."
  }

  static func key(_ text: String) -> String {
    "There is no key `\(text)`. `rehome key list` shows them all."
  }

  static func job(_ text: String) -> String {
    "There is no job `\(text)`. `rehome job list` shows them all."
  }

  static func schedule(_ text: String, of vps: String) -> String {
    "There is no schedule `\(text)` of `\(vps)`. `rehome schedule list \(vps)` shows them all."
  }

  static func backup(_ text: String) -> String {
    "There is no backup `\(text)` that can be used. `rehome backup list VPS` shows those of a VPS."
  }
}

extension Settings {
  /// What the use cases need to know.
  var policy: OperationsPolicy {
    OperationsPolicy(
      defaultStrategy: restore.strategy,
      allowsInPlace: restore.allowsInPlace
    )
  }
}
