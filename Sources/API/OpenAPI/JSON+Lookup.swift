extension JSON {
  /// The member of an object; nil when there is none.
  package subscript(name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// The members of an object; none for anything else.
  package var members: [Member] {
    guard case .object(let members) = self else { return [] }
    return members
  }

  /// The elements of an array; none for anything else.
  package var elements: [JSON] {
    guard case .array(let elements) = self else { return [] }
    return elements
  }

  /// The text of a string; nil for anything else.
  package var words: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }
}
