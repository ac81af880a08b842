import Foundation
import Model

/// Files that an operator names on the command line, read with a bound.
enum OperatorFile {
  /// A network configuration.
  static func network(_ path: String) throws(CommandFailure) -> NetworkConfiguration {
    let text = try text(path, limit: Limits.networkBytes)
    do throws(NetworkConfigurationFault) {
      return try NetworkConfiguration(text: text)
    } catch {
      throw .file(path: path, reason: error.words)
    }
  }

  /// Cloud-init user-data.
  static func userData(_ path: String) throws(CommandFailure) -> String {
    try text(path, limit: Limits.userDataBytes)
  }

  private static func text(_ path: String, limit: Int) throws(CommandFailure) -> String {
    let data: Data
    do {
      let file = try FileHandle(forReadingFrom: URL(filePath: path))
      defer { try? file.close() }
      data = try file.read(upToCount: limit + 1) ?? Data()
    } catch {
      throw .file(path: path, reason: "it can't be read.")
    }
    guard data.count <= limit else {
      throw .file(path: path, reason: "it is larger than \(limit) bytes.")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw .file(path: path, reason: "it isn't UTF-8 text.")
    }
    return text
  }
}

extension NetworkConfigurationFault {
  /// What is wrong, for people.
  var words: String {
    switch self {
    case .tooLong: "it is larger than \(Limits.networkBytes) bytes."
    case .notYAML(let reason): "it isn't YAML: \(reason)"
    case .notVersion2: "it isn't netplan version 2 (`version: 2`)."
    case .badField(let field): "`\(field)` is missing or not as netplan has it."
    }
  }
}
