import API
import Catalog
import Foundation
import HTTPTypes
import Logging
import Model
import Operations
import TestSupport
import Testing

/// The API's own document, held against answers: every answer that a test of this target gets must
/// be one that the document shows.
struct Contract: Sendable {
  /// The document of the server as it is built.
  static let document: JSON = {
    let operations = Operations(catalog: NoCatalog(), clock: ManualClock(ManualClock.usualStart))
    let server = APIServer(
      operations: operations,
      readiness: Readiness(parts: [], clock: ManualClock()),
      configuration: APIConfiguration(typeBase: "https://developer.hostup.se/errors/"),
      clock: ManualClock(ManualClock.usualStart),
      logger: Logger(label: "rehome.tests")
    )
    return server.document
  }()

  /// What is wrong with an answer; nothing when the document shows it.
  static func faults(of answer: Answer, to method: String, _ target: String) -> [String] {
    let path = String(target.prefix { $0 != "?" })
    let asked = method == "HEAD" ? "GET" : method
    guard let operation = operation(asked, path) else {
      return answer.status < 400 ? ["\(method) \(path) isn't in the document"] : problem(answer)
    }
    guard let response = resolved(operation["responses"]?[String(answer.status)]) else {
      return ["\(method) \(path) answers \(answer.status), which its document doesn't show"]
    }
    var faults = headerFaults(response, answer)
    guard method != "HEAD", let content = response["content"]?.members.first else {
      return faults + (answer.text.isEmpty ? [] : ["a body where none is shown"])
    }
    if answer.header("Content-Type") != content.name {
      faults.append("the type is \(answer.header("Content-Type") ?? "none"), not \(content.name)")
    }
    guard content.name.contains("json") else { return faults }
    return faults + SchemaCheck(document).faults(answer.json, content.value["schema"] ?? .null, "")
  }

  /// What is wrong with a body that was accepted: the document must allow it, or clients that are made
  /// from the document couldn't have sent it.
  static func faults(ofAccepted body: String, to method: String, _ target: String) -> [String] {
    let path = String(target.prefix { $0 != "?" })
    guard let value = try? JSONReader.read(Array(body.utf8), depthLimit: Limits.jsonDepth) else {
      return []
    }
    let content = operation(method, path)?["requestBody"]?["content"]?["application/json"]
    guard let schema = content?["schema"] else { return ["no body is in the document"] }
    return SchemaCheck(document).faults(value, schema, "the body")
  }

  private static func problem(_ answer: Answer) -> [String] {
    guard !answer.text.isEmpty else { return [] }
    return SchemaCheck(document).faults(
      answer.json,
      ["$ref": "#/components/schemas/Problem"],
      ""
    )
  }

  /// What HTTP itself writes; OpenAPI has other places for what of it matters.
  private static let framing: Set<String> = [
    "content-type", "content-length", "connection", "date", "transfer-encoding",
  ]

  /// Headers that are shown must be there, as they are shown; those that are there must be shown.
  private static func headerFaults(_ response: JSON, _ answer: Answer) -> [String] {
    let shown = response["headers"]?.members ?? []
    var faults = shown.flatMap { header -> [String] in
      let about = resolved(header.value) ?? .null
      guard let text = answer.header(header.name) else {
        return about["required"] == true ? ["no header \(header.name)"] : []
      }
      let schema = about["schema"] ?? .null
      let value: JSON = schema["type"] == "integer" ? .number(text) : .string(text)
      return SchemaCheck(document).faults(value, schema, "the header \(header.name)")
    }
    let known = framing.union(shown.map { $0.name.lowercased() })
    for field in answer.headers where !known.contains(field.name.canonicalName) {
      faults.append("the header \(field.name) isn't in the document")
    }
    return faults
  }

  /// The operation of a method and path; a literal path counts more than a template.
  private static func operation(_ method: String, _ path: String) -> JSON? {
    let parts = path.split(separator: "/")
    let matching = (document["paths"]?.members ?? []).filter { template in
      let wanted = template.name.split(separator: "/")
      return wanted.count == parts.count
        && zip(wanted, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
    let nearest = matching.min {
      $0.name.count { $0 == "{" } < $1.name.count { $0 == "{" }
    }
    return nearest?.value[method.lowercased()]
  }

  private static func resolved(_ value: JSON?) -> JSON? {
    guard let value else { return nil }
    return SchemaCheck(document).resolved(value)
  }
}

/// A catalog that is never asked.
private struct NoCatalog: Catalog {
  func read<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value { throw .failed(.busy("there is none")) }

  func write<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value { throw .failed(.busy("there is none")) }

  func check() async throws(CatalogFault) {}

  func version() -> CatalogVersion? { nil }
}

/// Holds values against the schemas of a document, as far as the document uses JSON Schema.
struct SchemaCheck {
  private let document: JSON

  init(_ document: JSON) {
    self.document = document
  }

  /// What a value has that its schema doesn't allow, with its place.
  func faults(_ value: JSON, _ schema: JSON, _ place: String) -> [String] {
    let schema = resolved(schema)
    var found = (schema["allOf"]?.elements ?? []).flatMap { faults(value, $0, place) }
    if let shapes = schema["anyOf"]?.elements {
      let all = shapes.map { faults(value, $0, place) }
      if !all.contains(where: \.isEmpty) { found.append("\(place) is none of the shapes: \(all)") }
    }
    guard isOfType(value, schema["type"]) else {
      return ["\(place) is \(value.kind), not \(schema["type"]?.encoded() ?? "?")"]
    }
    if let only = schema["const"], only != value {
      found.append("\(place) is \(value.encoded()), not \(only.encoded())")
    }
    if let words = schema["enum"]?.elements, !words.contains(value) {
      found.append("\(place) is \(value.encoded()), none of \(schema["enum"]?.encoded() ?? "")")
    }
    switch value {
    case .string(let text): found += textFaults(text, schema, place)
    case .number(let text): found += numberFaults(text, schema, place)
    case .array(let elements):
      for (index, element) in elements.enumerated() {
        found += faults(element, schema["items"] ?? .object([]), "\(place)/\(index)")
      }
    case .object(let members): found += objectFaults(members, schema, place)
    case .null, .boolean: break
    }
    return found
  }

  /// What a reference stands for.
  func resolved(_ schema: JSON) -> JSON {
    guard let reference = schema["$ref"]?.words else { return schema }
    let path = reference.split(separator: "/").dropFirst()
    let found = path.reduce(Optional(document)) { $0?[String($1)] }
    guard let found else {
      Issue.record("\(reference) leads nowhere")
      return .null
    }
    return resolved(found)
  }

  private func isOfType(_ value: JSON, _ type: JSON?) -> Bool {
    switch type {
    case nil: true
    case .array(let types): types.contains { isOfType(value, $0) }
    case .string(let name):
      switch value {
      case .null: name == "null"
      case .boolean: name == "boolean"
      case .string: name == "string"
      case .array: name == "array"
      case .object: name == "object"
      case .number(let text): name == "number" || name == "integer" && Int(text) != nil
      }
    default: false
    }
  }

  private func textFaults(_ text: String, _ schema: JSON, _ place: String) -> [String] {
    guard let pattern = schema["pattern"]?.words,
      text.range(of: pattern, options: .regularExpression) == nil
    else { return [] }
    return ["\(place) is `\(text)`, which isn't \(pattern)"]
  }

  private func numberFaults(_ text: String, _ schema: JSON, _ place: String) -> [String] {
    let value = Double(text) ?? .nan
    let bounds: [(String, (Double, Double) -> Bool)] = [("minimum", >=), ("maximum", <=)]
    return bounds.compactMap { name, isWithin in
      guard case .number(let bound)? = schema[name], !isWithin(value, Double(bound) ?? .nan)
      else { return nil }
      return "\(place) is \(text), its \(name) \(bound)"
    }
  }

  private func objectFaults(
    _ members: [JSON.Member],
    _ schema: JSON,
    _ place: String
  ) -> [String] {
    let names = Set(members.map(\.name))
    var found = (schema["required"]?.elements ?? []).compactMap(\.words)
      .filter { !names.contains($0) }.map { "\(place)/\($0) is missing" }
    for member in members {
      let here = "\(place)/\(member.name)"
      if let field = schema["properties"]?[member.name] {
        found += faults(member.value, field, here)
      } else if schema["additionalProperties"] == false {
        found.append("\(here) isn't in the document")
      } else if let rest = schema["additionalProperties"] {
        found += faults(member.value, rest, here)
      }
    }
    return found
  }
}
