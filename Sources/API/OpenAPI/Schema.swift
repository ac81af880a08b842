import Model

/// A JSON schema (draft 2020-12), put together from the few kinds that the API's bodies need.
struct Schema: Sendable, Equatable {
  /// The schema as it stands in the document.
  let json: JSON

  /// A schema with these keywords.
  private init(_ keywords: [JSON.Member?]) {
    json = .object(keywords.compactMap { $0 })
  }

  private static func keyword(_ name: String, _ value: JSON?) -> JSON.Member? {
    value.map { JSON.Member(name, $0) }
  }
}

// MARK: - Values

extension Schema {
  /// A text.
  static func text(
    _ about: String,
    example: String? = nil,
    pattern: String? = nil,
    format: String? = nil,
    length: ClosedRange<Int>? = nil
  ) -> Schema {
    Schema([
      keyword("type", "string"), keyword("description", .string(about)),
      keyword("format", format.map(JSON.string)), keyword("pattern", pattern.map(JSON.string)),
      keyword("minLength", length.flatMap { $0.lowerBound > 0 ? .integer($0.lowerBound) : nil }),
      keyword("maxLength", length.map { .integer($0.upperBound) }),
      keyword("examples", example.map { [.string($0)] }),
    ])
  }

  /// A moment as every time of the API is written.
  static func moment(_ about: String, example: String = "2026-04-27T12:34:56.000Z") -> Schema {
    text(
      about,
      example: example,
      pattern: #"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"#,
      format: "date-time"
    )
  }

  /// A public identifier of a kind.
  static func identifier<Kind: IdentifierKind>(
    _ about: String,
    _ kind: Kind.Type,
    example: String? = nil
  ) -> Schema {
    text(
      about,
      example: example ?? "\(kind.prefix)_01hxa3b4c5d6e7f8g9h0j1k2m3",
      pattern: "^\(kind.prefix)_[0-7][0-9a-hjkmnp-tv-z]{25}$"
    )
  }

  /// One word of a closed list.
  static func words(_ about: String, _ words: [String]) -> Schema {
    Schema([
      keyword("type", "string"), keyword("description", .string(about)),
      keyword("enum", .array(words.map(JSON.string))),
    ])
  }

  /// One word of a closed list that the code holds.
  static func words<Word: RawRepresentable<String> & CaseIterable>(
    _ about: String,
    of type: Word.Type
  ) -> Schema {
    words(about, type.allCases.map(\.rawValue))
  }

  /// A whole number.
  static func integer(
    _ about: String,
    from lowest: Int? = nil,
    to highest: Int? = nil,
    standard: Int? = nil,
    example: Int? = nil
  ) -> Schema {
    Schema([
      keyword("type", "integer"), keyword("description", .string(about)),
      keyword("format", "int64"), keyword("minimum", lowest.map(JSON.integer)),
      keyword("maximum", highest.map(JSON.integer)), keyword("default", standard.map(JSON.integer)),
      keyword("examples", example.map { [.integer($0)] }),
    ])
  }

  /// A number of any kind, not below zero.
  static func number(_ about: String, example: String? = nil) -> Schema {
    Schema([
      keyword("type", "number"), keyword("description", .string(about)), keyword("minimum", 0),
      keyword("examples", example.map { [.number($0)] }),
    ])
  }

  /// True or false.
  static func truth(_ about: String, standard: Bool? = nil) -> Schema {
    Schema([
      keyword("type", "boolean"), keyword("description", .string(about)),
      keyword("default", standard.map(JSON.boolean)),
    ])
  }
}

// MARK: - What is made of others

extension Schema {
  /// One field of an object.
  struct Field: Sendable {
    let name: String
    let schema: Schema
    let isRequired: Bool

    /// A field that is always there.
    static func always(_ name: String, _ schema: Schema) -> Field {
      Field(name: name, schema: schema, isRequired: true)
    }

    /// A field that may be left out.
    static func maybe(_ name: String, _ schema: Schema) -> Field {
      Field(name: name, schema: schema, isRequired: false)
    }
  }

  /// An object with these fields and no others.
  static func object(_ about: String, _ fields: [Field]) -> Schema {
    let required = fields.filter(\.isRequired).map { JSON.string($0.name) }
    return Schema([
      keyword("type", "object"), keyword("description", .string(about)),
      keyword("properties", .object(fields.map { JSON.Member($0.name, $0.schema.json) })),
      keyword("required", required.isEmpty ? nil : .array(required)),
      keyword("additionalProperties", false),
    ])
  }

  /// An object whose names aren't known beforehand.
  static func map(_ about: String, of value: Schema) -> Schema {
    Schema([
      keyword("type", "object"), keyword("description", .string(about)),
      keyword("additionalProperties", value.json),
    ])
  }

  /// A list.
  static func list(_ about: String, of item: Schema, atMost maximum: Int? = nil) -> Schema {
    Schema([
      keyword("type", "array"), keyword("description", .string(about)),
      keyword("items", item.json), keyword("maxItems", maximum.map(JSON.integer)),
    ])
  }

  /// The component of a name.
  static func component(_ name: String) -> Schema {
    Schema([keyword("$ref", .string("#/components/schemas/\(name)"))])
  }

  /// Any value at all.
  static let anything = Schema([])

  /// One of several shapes.
  static func either(_ about: String, _ shapes: [Schema]) -> Schema {
    Schema([
      keyword("description", .string(about)), keyword("anyOf", .array(shapes.map(\.json))),
    ])
  }

  /// The same or null.
  var orNull: Schema {
    guard case .object(var members) = json,
      let place = members.firstIndex(where: { $0.name == "type" })
    else {
      return Schema([JSON.Member("anyOf", [json, ["type": "null"]])])
    }
    members[place].value = [members[place].value, "null"]
    // A closed list of words must say that null is one of them.
    if let list = members.firstIndex(where: { $0.name == "enum" }),
      case .array(let words) = members[list].value
    {
      members[list].value = .array(words + [.null])
    }
    return Schema(members)
  }
}

extension JSON {
  /// A whole number.
  static func integer(_ value: Int) -> JSON { .number(String(value)) }
}
