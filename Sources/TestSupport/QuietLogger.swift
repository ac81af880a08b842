package import Logging

extension Logger {
  /// A logger that says nothing, for what is tested by its effects.
  package static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
