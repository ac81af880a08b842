package import Logging
package import Model

/// Writes each message of the log as one line, whatever it holds, and no API key in any.
///
/// What is written on behalf of a request or a job names it: see `LogContext`.
package struct LineLogHandler: LogHandler {
  package var logLevel = Logger.Level.info
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?

  private let label: String
  private let format: LogFormat
  private let clock: any WallClock
  private let write: @Sendable (_ line: String, LogFormat) -> Void

  /// Makes a handler.
  ///
  /// - Parameters:
  ///   - label: What stands in each line for the logger.
  ///   - format: How a line looks.
  ///   - clock: The time of a line.
  ///   - write: Takes a line with its end; called by many threads at once.
  package init(
    label: String,
    format: LogFormat,
    clock: any WallClock = SystemWallClock(),
    write: @escaping @Sendable (_ line: String, LogFormat) -> Void = StandardErrorLog.write
  ) {
    self.label = label
    self.format = format
    self.clock = clock
    self.write = write
  }

  package subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    let line = LogLine(
      time: clock.now().text,
      level: event.level,
      label: label,
      message: event.message.description,
      fields: fields(of: event)
    )
    write(SecretScrubber.scrub(line.written(format)), format)
  }

  /// Everything that belongs to a line; what is nearer to the message wins.
  private func fields(of event: LogEvent) -> Logger.Metadata {
    var fields = metadata
    if let request = LogContext.requestID { fields["request.id"] = "\(request)" }
    if let job = LogContext.jobID { fields["job.id"] = "\(job)" }
    if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
    if let error = event.error { fields["error"] = "\(error)" }
    if let own = event.metadata { fields.merge(own) { $1 } }
    return fields
  }
}
