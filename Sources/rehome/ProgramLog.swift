import Logging

/// The program's log, which goes to standard error.
enum ProgramLog {
  /// Installs the log; only `main` may.
  static func install() {
    LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
  }

  /// The log of a server.
  static func server(_ level: Logger.Level) -> Logger {
    var logger = Logger(label: "rehome")
    logger.logLevel = level
    return logger
  }

  /// The log of a command, which speaks itself and logs only what went wrong on the way.
  static func quiet(_ level: Logger.Level) -> Logger {
    server(max(level, .warning))
  }
}
