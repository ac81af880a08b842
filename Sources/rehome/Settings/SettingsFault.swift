/// Why the configuration can't be used; each tells the place at which to mend it.
enum SettingsFault: Error, Equatable, Sendable {
  case fileMissing(path: String)
  case fileUnreadable(path: String, reason: String)
  case unknownKeys([String], path: String)
  case notOneValue(key: String, path: String)
  case badOverride(String)
  case badValue(key: SettingKey, value: String)

  /// One sentence for people, with what to do.
  var sentence: String {
    switch self {
    case .fileMissing(let path):
      "There is no configuration file at \(path)."
    case .fileUnreadable(let path, let reason):
      "The configuration file \(path) can't be used: \(reason)"
    case .unknownKeys(let keys, let path):
      "The configuration file \(path) has keys that Rehome doesn't know: "
        + "\(keys.joined(separator: ", ")). Known are \(Self.known)."
    case .notOneValue(let key, let path):
      "In the configuration file \(path), \(key) must have one plain value."
    case .badOverride(let text):
      "`--set \(text)` isn't KEY=VALUE with a known key. Known are \(Self.known)."
    case .badValue(let key, let value):
      "\(key.rawValue) is `\(value)`, but must be \(key.kind.words)."
    }
  }

  private static var known: String {
    SettingKey.allCases.map(\.rawValue).joined(separator: ", ")
  }
}
