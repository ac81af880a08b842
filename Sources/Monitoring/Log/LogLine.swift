import Logging

/// One line of the log, in either of its looks.
struct LogLine {
  let time: String
  let level: Logger.Level
  let label: String
  let message: String
  let fields: Logger.Metadata

  /// The line in one of its looks, with its end.
  func written(_ format: LogFormat) -> String {
    switch format {
    case .text: text + "\n"
    case .json: json + "\n"
    }
  }

  /// For people; what would break the line or hide where a value ends is escaped.
  var text: String {
    var line = "\(time) \(level.rawValue) \(label):"
    for (name, value) in flattened {
      line += " \(Self.word(name))="
      switch value {
      case .one(let text): line += Self.word(text)
      case .several(let texts): line += "[" + texts.map(Self.word).joined(separator: ",") + "]"
      }
    }
    return line + " " + Self.withoutControls(message)
  }

  /// One JSON object: the four that every line has, then the rest by name.
  var json: String {
    var line = "{\"time\":\(Self.quoted(time)),\"level\":\(Self.quoted(level.rawValue))"
    line += ",\"label\":\(Self.quoted(label)),\"message\":\(Self.quoted(message))"
    for (name, value) in flattened {
      // A name twice in an object would hide one of the two.
      let isTaken = ["time", "level", "label", "message"].contains(name)
      line += ",\(Self.quoted(isTaken ? "metadata.\(name)" : name)):"
      switch value {
      case .one(let text): line += Self.quoted(text)
      case .several(let texts): line += "[" + texts.map(Self.quoted).joined(separator: ",") + "]"
      }
    }
    return line + "}"
  }

  private enum Value {
    case one(String)
    case several([String])
  }

  /// The fields by name, dictionaries in them with their names joined by dots.
  private var flattened: [(name: String, value: Value)] {
    var found: [String: Value] = [:]
    for (name, value) in fields { Self.flatten(value, as: name, into: &found) }
    return found.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
  }

  private static func flatten(
    _ value: Logger.MetadataValue,
    as name: String,
    into found: inout [String: Value]
  ) {
    switch value {
    case .string(let text): found[name] = .one(text)
    case .stringConvertible(let value): found[name] = .one(value.description)
    case .array(let values): found[name] = .several(values.map(\.description))
    case .dictionary(let inner):
      for (key, value) in inner { flatten(value, as: "\(name).\(key)", into: &found) }
    }
  }

  private static func word(_ text: String) -> String {
    let isPlain = text.unicodeScalars.allSatisfy {
      $0.value > 0x20 && $0.value != 0x7F && $0 != "\"" && $0 != "="
    }
    return isPlain && !text.isEmpty ? text : quoted(text)
  }

  private static func withoutControls(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    return String(quoted(text).dropFirst().dropLast())
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
      || scalar.value == 0x2028 || scalar.value == 0x2029
  }

  /// A JSON string (RFC 8259).
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where isControl(scalar):
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
