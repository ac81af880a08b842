/// A JSON value as it was sent: objects keep their order and their duplicates, numbers their text.
package indirect enum JSON: Sendable, Equatable {
  case null
  case boolean(Bool)
  case number(String)
  case string(String)
  case array([JSON])
  case object([Member])

  /// One member of an object.
  package struct Member: Sendable, Equatable {
    /// Its name, unescaped.
    package var name: String
    /// Its value.
    package var value: JSON

    /// Makes a member.
    package init(_ name: String, _ value: JSON) {
      self.name = name
      self.value = value
    }
  }

  /// What kind of value it is, in words for people.
  package var kind: String {
    switch self {
    case .null: "null"
    case .boolean: "a boolean"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// A JSON pointer (RFC 6901), which tells where in a body a value stands.
package struct JSONPointer: Sendable, Equatable, CustomStringConvertible {
  /// Most bytes of a pointer: it comes from the body, and an answer holds many.
  private static let byteMaximum = 256

  /// The whole body.
  package static let root = JSONPointer(description: "")

  package let description: String

  /// The member of an object; the object itself where the name would make the pointer too long.
  package func member(_ name: String) -> JSONPointer {
    guard name.utf8.count <= Self.byteMaximum else { return self }
    return step(name.replacing("~", with: "~0").replacing("/", with: "~1"))
  }

  /// The element of an array; the array itself where the pointer would become too long.
  package func element(_ index: Int) -> JSONPointer { step("\(index)") }

  private func step(_ token: String) -> JSONPointer {
    guard description.utf8.count + token.utf8.count < Self.byteMaximum else { return self }
    return JSONPointer(description: "\(description)/\(token)")
  }
}
