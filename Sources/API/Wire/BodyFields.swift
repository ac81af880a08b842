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

  /// An identifier that must be there; whatever isn't one names nothing, which is found out later.
  package mutating func identifier(_ name: String) -> String {
    guard let value = value(of: name) else {
      add(name, .missingRequired, "`\(name)` is required.")
      return ""
    }
    return checkLength(value, name: name, maximum: Limits.identifierCharacters) ?? ""
  }

  /// A text that may be missing or null.
  package mutating func optionalText(_ name: String, characters maximum: Int) -> String? {
    guard let value = value(of: name), value != .null else { return nil }
    return check(value, name: name, maximum: maximum)
  }

  /// A whole number that must be there.
  package mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int {
    guard let value = value(of: name) else {
      add(name, .missingRequired, "`\(name)` is required.")
      return range.lowerBound
    }
    return check(value, name: name, in: range) ?? range.lowerBound
  }

  /// A whole number that may be missing or null.
  package mutating func optionalInteger(_ name: String, in range: ClosedRange<Int>) -> Int? {
    guard let value = value(of: name), value != .null else { return nil }
    return check(value, name: name, in: range)
  }

  /// A boolean that may be missing or null.
  package mutating func optionalBoolean(_ name: String) -> Bool? {
    guard let value = value(of: name), value != .null else { return nil }
    guard case .boolean(let flag) = value else {
      add(name, .invalidType, "`\(name)` must be a boolean, not \(value.kind).")
      return nil
    }
    return flag
  }

  /// One word of a closed list that must be there; nil when it is faulty.
  package mutating func word<Word: RawRepresentable<String> & CaseIterable>(
    _ name: String
  ) -> Word? {
    guard let value = value(of: name) else {
      add(name, .missingRequired, "`\(name)` is required.")
      return nil
    }
    return check(value, name: name)
  }

  /// One word of a closed list that may be missing or null.
  package mutating func optionalWord<Word: RawRepresentable<String> & CaseIterable>(
    _ name: String
  ) -> Word? {
    guard let value = value(of: name), value != .null else { return nil }
    return check(value, name: name)
  }

  /// Whether a field is there, null included; a change must tell what is left out from what is
  /// taken away.
  package func has(_ name: String) -> Bool { members.contains { $0.name == name } }

  /// Whether a field is there with something in it.
  package func hasValue(_ name: String) -> Bool {
    members.contains { $0.name == name && $0.value != .null }
  }

  /// Adds faults that only show when several fields are seen together.
  package mutating func add(_ found: [Fault]) { faults += found }

  /// Ends the reading: whatever wasn't asked for by name is unknown.
  ///
  /// - Throws: `Refusal.invalidRequest` with all faults found.
  package mutating func finish() throws(Refusal) {
    addDuplicates(in: .object(members), at: .root)
    var told: Set<String> = []
    for member in members where !known.contains(member.name) && told.insert(member.name).inserted {
      guard faults.count < Self.faultMaximum else { break }
      add(member.name, .unknownField, "\(Self.quoted(member.name)) is not a field of this request.")
    }
    guard faults.isEmpty else { throw .invalidRequest(Array(faults.prefix(Self.faultMaximum))) }
  }

  private mutating func value(of name: String) -> JSON? {
    known.insert(name)
    return members.first { $0.name == name }?.value
  }

  private mutating func check(_ value: JSON, name: String, maximum: Int) -> String? {
    guard let text = checkLength(value, name: name, maximum: maximum) else { return nil }
    // Databases and logs end a text at this character.
    guard !text.unicodeScalars.contains("\0") else {
      add(name, .invalidValue, "`\(name)` must not hold the character U+0000.")
      return nil
    }
    return text
  }

  private mutating func checkLength(_ value: JSON, name: String, maximum: Int) -> String? {
    guard case .string(let text) = value else {
      add(name, .invalidType, "`\(name)` must be a string, not \(value.kind).")
      return nil
    }
    guard text.unicodeScalars.count <= maximum else {
      add(name, .tooLong, "`\(name)` has at most \(maximum) characters.")
      return nil
    }
    return text
  }

  /// JSON has one kind of number: `3.0` and `3e0` are the whole number 3, and are taken as it.
  private mutating func check(_ value: JSON, name: String, in range: ClosedRange<Int>) -> Int? {
    guard case .number(let text) = value, let number = Double(text), number.rounded() == number
    else {
      let kind = if case .number = value { "a fraction" } else { value.kind }
      add(name, .invalidType, "`\(name)` must be a whole number, not \(kind).")
      return nil
    }
    guard let whole = Int(exactly: number), range.contains(whole) else {
      add(
        name,
        .invalidValue,
        "`\(name)` must be from \(range.lowerBound) to \(range.upperBound)."
      )
      return nil
    }
    return whole
  }

  private mutating func check<Word: RawRepresentable<String> & CaseIterable>(
    _ value: JSON,
    name: String
  ) -> Word? {
    guard case .string(let text) = value else {
      add(name, .invalidType, "`\(name)` must be a string, not \(value.kind).")
      return nil
    }
    guard let word = Word(rawValue: text) else {
      let words = Word.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
      add(name, .invalidValue, "`\(name)` must be one of \(words).")
      return nil
    }
    return word
  }

  /// A name out of the body as an answer repeats it.
  private static func quoted(_ name: String) -> String {
    guard name.utf8.count > 64 else { return "`\(name)`" }
    return "`\(String(String.UnicodeScalarView(name.unicodeScalars.prefix(16))))…`"
  }

  private mutating func addDuplicates(in value: JSON, at pointer: JSONPointer) {
    guard faults.count < Self.faultMaximum else { return }
    switch value {
    case .object(let members):
      var seen: Set<String> = []
      for member in members {
        let place = pointer.member(member.name)
        if faults.count < Self.faultMaximum, !seen.insert(member.name).inserted {
          faults.append(
            Fault(
              pointer: place.description,
              code: .duplicateField,
              detail: "\(Self.quoted(member.name)) is there more than once."
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
