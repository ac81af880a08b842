package import Model

/// The fields of a request's body, read one by one; every fault is kept, none stops the reading.
package struct BodyFields {
  /// Most faults that one answer tells: a small body can hold thousands, and each costs more
  /// to tell than to send.
  private static let faultMaximum = 64

  private let members: [JSON.Member]
  private var known: Set<String> = []
  private var faults: [Fault] = []

  /// Reads the body's outermost value, which must be an object.
  package init(_ body: JSON) throws(Refusal) {
    guard case .object(let members) = body else {
      throw .invalidRequest([
        Fault(
          pointer: "",
          code: .invalidType,
          detail: "The body must be a JSON object, not \(body.kind)."
        )
      ])
    }
    self.members = members
  }

  /// A text that must be there; what it returns for a faulty one is never used, because `finish`
  /// throws then.
  package mutating func text(_ name: String, characters maximum: Int) -> String {
    guard let value = value(of: name) else {
      add(name, .missingRequired, "`\(name)` is required.")
      return ""
    }
    return check(value, name: name, maximum: maximum) ?? ""
  }

  /// A text that may be missing or null.
  package mutating func optionalText(_ name: String, characters maximum: Int) -> String? {
    guard let value = value(of: name), value != .null else { return nil }
    return check(value, name: name, maximum: maximum)
  }

  /// Ends the reading: whatever wasn't asked for by name is unknown.
  ///
  /// - Throws: `Refusal.invalidRequest` with all faults found.
  package mutating func finish() throws(Refusal) {
    addDuplicates(in: .object(members), at: .root)
    var told: Set<String> = []
    for member in members where !known.contains(member.name) && told.insert(member.name).inserted {
      add(member.name, .unknownField, "`\(member.name)` is not a field of this request.")
    }
    guard faults.isEmpty else { throw .invalidRequest(Array(faults.prefix(Self.faultMaximum))) }
  }

  private mutating func value(of name: String) -> JSON? {
    known.insert(name)
    return members.first { $0.name == name }?.value
  }

  private mutating func check(_ value: JSON, name: String, maximum: Int) -> String? {
    guard case .string(let text) = value else {
      add(name, .invalidType, "`\(name)` must be a string, not \(value.kind).")
      return nil
    }
    guard text.unicodeScalars.count <= maximum else {
      add(name, .tooLong, "`\(name)` has at most \(maximum) characters.")
      return nil
    }
    // Databases and logs end a text at this character.
    guard !text.unicodeScalars.contains("\0") else {
      add(name, .invalidValue, "`\(name)` must not hold the character U+0000.")
      return nil
    }
    return text
  }

  private mutating func addDuplicates(in value: JSON, at pointer: JSONPointer) {
    switch value {
    case .object(let members):
      var seen: Set<String> = []
      for member in members {
        let place = pointer.member(member.name)
        if !seen.insert(member.name).inserted {
          faults.append(
            Fault(
              pointer: place.description,
              code: .duplicateField,
              detail: "`\(member.name)` is there more than once."
            )
          )
        }
        addDuplicates(in: member.value, at: place)
      }
    case .array(let elements):
      for (index, element) in elements.enumerated() {
        addDuplicates(in: element, at: pointer.element(index))
      }
    case .null, .boolean, .number, .string: break
    }
  }

  private mutating func add(_ name: String, _ code: FaultCode, _ detail: String) {
    faults.append(
      Fault(pointer: JSONPointer.root.member(name).description, code: code, detail: detail)
    )
  }
}
