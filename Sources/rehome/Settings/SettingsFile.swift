import Foundation
import Model
import Yams

/// The configuration file as it stands there, before anybody asks for a value of it.
enum SettingsFile {
  /// A larger file is something else.
  private static let longest = 64 << 10

  /// Whether the file holds any keys; one that isn't known is an error, for it would otherwise be a
  /// setting that silently isn't.
  static func holdsKnownKeys(_ path: String) throws(SettingsFault) -> Bool {
    let text: String
    do {
      let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
      guard size <= longest else {
        throw SettingsFault.fileUnreadable(path: path, reason: "it is larger than 64 KiB")
      }
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch let fault as SettingsFault {
      throw fault
    } catch {
      throw .fileUnreadable(path: path, reason: reason(of: error))
    }
    let root: Node?
    do throws(BoundedYAML.Fault) {
      root = try BoundedYAML.compose(text)
    } catch {
      throw .fileUnreadable(path: path, reason: error.sentence.replacing("\n", with: " "))
    }
    guard let root, !root.isNothing else { return false }
    guard let mapping = root.mapping else {
      throw .fileUnreadable(path: path, reason: "it doesn't hold keys and values")
    }
    var unknown: [String] = []
    try collectUnknown(in: mapping, below: "", path, &unknown)
    guard unknown.isEmpty else { throw .unknownKeys(unknown.sorted(), path: path) }
    return !mapping.isEmpty
  }

  private static func reason(of error: any Error) -> String {
    switch (error as? CocoaError)?.code {
    case .fileReadNoPermission: "you may not read it"
    case .fileReadInapplicableStringEncoding: "it isn't UTF-8"
    default: error.localizedDescription
    }
  }

  private static func collectUnknown(
    in mapping: Node.Mapping,
    below prefix: String,
    _ path: String,
    _ unknown: inout [String]
  ) throws(SettingsFault) {
    for (name, value) in mapping {
      let key = prefix + (name.string ?? "?")
      if SettingKey(rawValue: key) != nil {
        guard value.scalar != nil else { throw .notOneValue(key: key, path: path) }
      } else if let inner = value.mapping, isSection(key) {
        try collectUnknown(in: inner, below: key + ".", path, &unknown)
      } else {
        unknown.append(key)
      }
    }
  }

  private static func isSection(_ name: String) -> Bool {
    SettingKey.allCases.contains { $0.rawValue.hasPrefix(name + ".") }
  }
}

extension Node {
  /// Whether a file holds nothing but comments.
  fileprivate var isNothing: Bool { scalar?.string.isEmpty == true }
}
