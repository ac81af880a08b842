import Foundation
import Model

/// A value of the commands' JSON output; absent things are written as null, so that an object
/// always has the same members.
enum JSONValue: Encodable, Equatable, Sendable {
  case null
  case boolean(Bool)
  case integer(Int64)
  case decimal(Double)
  case text(String)
  case list([JSONValue])
  case object([String: JSONValue])

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .boolean(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .decimal(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .list(let values): try container.encode(values)
    case .object(let members): try container.encode(members)
    }
  }

  /// The JSON text: one line for programs, indented for eyes; members sorted by name.
  func text(indented: Bool) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if indented { encoder.outputFormatting.insert(.prettyPrinted) }
    do {
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    } catch {
      preconditionFailure("a JSON value of ours can't be encoded: \(error)")
    }
  }
}

extension JSONValue {
  /// A text, or null.
  init(_ text: String?) { self = text.map(JSONValue.text) ?? .null }
  /// A number, or null.
  init(_ number: Int?) { self = number.map { .integer(Int64($0)) } ?? .null }
  /// A number, or null.
  init(_ number: Int64?) { self = number.map(JSONValue.integer) ?? .null }
  /// An identifier.
  init<Kind>(_ id: Identifier<Kind>) { self = .text(id.text) }
  /// A moment, or null.
  init(_ time: Timestamp?) { self = time.map { .text($0.text) } ?? .null }
  /// Texts.
  init(_ texts: [String]) { self = .list(texts.map(JSONValue.text)) }
}

extension JSONValue: ExpressibleByDictionaryLiteral {
  init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(Dictionary(uniqueKeysWithValues: elements))
  }
}
