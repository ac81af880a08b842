/// How a line of the log looks.
///
/// In the configuration: append only.
package enum LogFormat: String, Sendable, CaseIterable {
  /// For people: time, level, label, what belongs to it, message.
  case text
  /// For programs: one JSON object a line.
  case json
}
