import Logging
import Monitoring

/// The program's log, which goes to standard error.
enum ProgramLog {
  /// Installs the log for what makes a logger of its own; only `main` may.
  static func install() {
    LoggingSystem.bootstrap { LineLogHandler(label: $0, format: .text) }
  }

  /// The log of a server.
  static func server(_ level: Logger.Level, _ format: LogFormat = .text) -> Logger {
    var logger = Logger(label: "rehome") { LineLogHandler(label: $0, format: format) }
    logger.logLevel = level
    return logger
  }

  /// The log of a command, which speaks itself and logs only what went wrong on the way.
  static func quiet(_ level: Logger.Level) -> Logger {
    server(max(level, .warning))
  }
}
