/// The reference for people: the document as one page that loads nothing else, so that it can be
/// read on a host without any way out.
struct ReferencePage {
  private let document: JSON
  private var html = ""

  /// Renders a document.
  static func render(_ document: OpenAPIDocument) -> String {
    var page = ReferencePage(document: document.json)
    page.write()
    return page.html
  }

  private init(document: JSON) {
    self.document = document
  }

  private mutating func write() {
    let information = document["info"] ?? .null
    html += "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
    html += "<meta name=\"viewport\" content=\"width=device-width\"><title>Rehome API</title>"
    html += "<style>\(Self.style)</style></head><body>"
    let chapters = document["tags"]?.elements.compactMap { $0["name"]?.words } ?? []
    navigation(chapters)
    html += "<main><h1>Rehome API</h1>"
    html += paragraph(information["summary"]) + paragraph(information["description"])
    for chapter in chapters { write(chapter: chapter) }
    html += "<h2 id=\"errors\">Errors</h2>"
    for response in document["components"]?["responses"]?.members ?? [] { write(refusal: response) }
    html += "<h2 id=\"schemas\">Schemas</h2>"
    for schema in document["components"]?["schemas"]?.members ?? [] { write(schema: schema) }
    html += "</main></body></html>\n"
  }

  private mutating func navigation(_ chapters: [String]) {
    html += "<nav><b>Rehome API</b>"
    for chapter in chapters {
      html += "<a class=\"chapter\" href=\"#\(anchor(chapter))\">\(escaped(chapter))</a>"
      for operation in operations(of: chapter) {
        let name = escaped(operation.value["operationId"]?.words ?? "")
        let summary = escaped(operation.value["summary"]?.words ?? "")
        html += "<a href=\"#\(name)\">\(summary)</a>"
      }
    }
    html += "<a class=\"chapter\" href=\"#errors\">Errors</a>"
    html += "<a class=\"chapter\" href=\"#schemas\">Schemas</a></nav>"
  }

  // MARK: - Operations

  private typealias Named = (method: String, path: String, value: JSON)

  private func operations(of chapter: String) -> [Named] {
    (document["paths"]?.members ?? []).flatMap { path in
      path.value.members.map { (method: $0.name.uppercased(), path: path.name, value: $0.value) }
    }.filter { $0.value["tags"] == [.string(chapter)] }
  }

  private mutating func write(chapter: String) {
    html += "<h2 id=\"\(anchor(chapter))\">\(escaped(chapter))</h2>"
    for operation in operations(of: chapter) { write(operation) }
  }

  private mutating func write(_ operation: Named) {
    let value = operation.value
    html += "<section id=\"\(escaped(value["operationId"]?.words ?? ""))\">"
    html += "<h3>\(escaped(value["summary"]?.words ?? ""))</h3>"
    html +=
      "<p class=\"call\"><b class=\"\(operation.method.lowercased())\">\(operation.method)</b> "
    html += "<code>\(escaped(operation.path))</code></p>" + paragraph(value["description"])
    if value["security"]?.elements.isEmpty == true {
      html += "<p>No key is needed.</p>"
    } else if let scope = value["x-required-scope"]?.words {
      html += "<p>Scope: <code>\(escaped(scope))</code></p>"
    } else {
      html += "<p>Any key of the owner, or as the text says.</p>"
    }
    if let parameters = value["parameters"]?.elements { table(of: parameters) }
    if let body = value["requestBody"]?["content"]?.members.first {
      html += "<h4>Body <small>\(escaped(body.name))</small></h4>"
      html += reference(body.value["schema"])
      example(body.value["example"])
    }
    let answers = value["responses"]?.members ?? []
    for answer in answers where answer.value["$ref"] == nil { write(answer: answer) }
    html += "<p class=\"statuses\">Refused with "
    html += answers.compactMap(refusal).joined(separator: " ") + "</p></section>"
  }

  private mutating func table(of parameters: [JSON]) {
    html += "<table><tr><th>parameter</th><th>in</th><th>what</th></tr>"
    for parameter in parameters {
      let required = parameter["required"] == true ? " <b>required</b>" : ""
      html += "<tr><td><code>\(escaped(parameter["name"]?.words ?? ""))</code>\(required)</td>"
      html += "<td>\(escaped(parameter["in"]?.words ?? ""))</td>"
      html += "<td>\(description(of: parameter["schema"] ?? .null))</td></tr>"
    }
    html += "</table>"
  }

  private mutating func write(answer: JSON.Member) {
    html += "<h4>\(answer.name) <small>\(escaped(answer.value["description"]?.words ?? ""))"
    html += "</small></h4>" + headers(of: answer.value)
    if let content = answer.value["content"]?.members.first {
      html += reference(content.value["schema"])
      example(content.value["example"])
    }
  }

  /// The headers of an answer beside those that every answer has.
  private func headers(of answer: JSON) -> String {
    let common = Refusals.commonHeaders.map(\.field)
    let names = (answer["headers"]?.members ?? []).map(\.name).filter { !common.contains($0) }
    guard !names.isEmpty else { return "" }
    return "<p>Headers: " + names.map { "<code>\(escaped($0))</code>" }.joined(separator: " ")
      + "</p>"
  }

  private func refusal(_ answer: JSON.Member) -> String? {
    guard let name = answer.value["$ref"]?.words?.split(separator: "/").last else { return nil }
    return "<a href=\"#\(escaped(String(name)))\">\(answer.name)</a>"
  }

  // MARK: - Components

  private mutating func write(refusal: JSON.Member) {
    html += "<section id=\"\(escaped(refusal.name))\"><h3>\(escaped(refusal.name))</h3>"
    html += paragraph(refusal.value["description"]) + headers(of: refusal.value)
    let content = refusal.value["content"]?.members.first
    example(content?.value["example"])
    for other in content?.value["examples"]?.members ?? [] { example(other.value["value"]) }
    html += "</section>"
  }

  private mutating func write(schema: JSON.Member) {
    html += "<section id=\"schema-\(escaped(schema.name))\"><h3>\(escaped(schema.name))</h3>"
    html += paragraph(schema.value["description"])
    let required = schema.value["required"]?.elements ?? []
    if let fields = schema.value["properties"]?.members, !fields.isEmpty {
      html += "<table><tr><th>field</th><th>what</th></tr>"
      for field in fields {
        let mark = required.contains(.string(field.name)) ? "" : " <i>optional</i>"
        html += "<tr><td><code>\(escaped(field.name))</code>\(mark)</td>"
        html += "<td>\(description(of: field.value))</td></tr>"
      }
      html += "</table>"
    }
    for shape in schema.value["anyOf"]?.elements ?? [] { html += reference(shape) }
    html += "</section>"
  }

  private mutating func example(_ value: JSON?) {
    guard let value else { return }
    let text = value.words ?? value.encoded(indented: true)
    html += "<pre>\(escaped(text))</pre>"
  }

  // MARK: - Texts

  private func description(of schema: JSON) -> String {
    var parts = [type(of: schema)]
    if let about = schema["description"]?.words { parts.append(marked(about)) }
    if let words = schema["enum"]?.elements {
      parts.append(
        words.map { "<code>\(escaped($0.words ?? "null"))</code>" }.joined(separator: " ")
      )
    }
    if let standard = schema["default"] { parts.append("Default \(escaped(standard.encoded())).") }
    return parts.joined(separator: " ")
  }

  private func type(of schema: JSON) -> String {
    if schema["$ref"] != nil { return reference(schema) }
    if let shapes = schema["anyOf"]?.elements {
      return shapes.map { type(of: $0) }.joined(separator: " or ")
    }
    switch schema["type"] {
    case .string("array"): return "list of " + type(of: schema["items"] ?? .null)
    case .string(let name): return "<i>\(escaped(name))</i>"
    case .array(let names): return "<i>\(names.compactMap(\.words).joined(separator: " or "))</i>"
    default: return ""
    }
  }

  private func reference(_ schema: JSON?) -> String {
    guard let name = schema?["$ref"]?.words?.split(separator: "/").last else { return "" }
    return "<a href=\"#schema-\(escaped(String(name)))\">\(escaped(String(name)))</a>"
  }

  private func paragraph(_ text: JSON?) -> String {
    (text?.words).map { "<p>\(marked($0))</p>" } ?? ""
  }

  /// Text with its back-quoted parts as code.
  private func marked(_ text: String) -> String {
    text.split(separator: "`", omittingEmptySubsequences: false).enumerated().map {
      $0.offset % 2 == 1
        ? "<code>\(escaped(String($0.element)))</code>" : escaped(String($0.element))
    }.joined()
  }

  private func anchor(_ text: String) -> String {
    String(text.lowercased().map { $0.isLetter ? $0 : "-" })
  }

  private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }

  private static let style = """
    body{margin:0;display:flex;font:16px/1.5 system-ui,sans-serif;color:#1c2128;background:#fff}
    nav{position:sticky;top:0;height:100vh;overflow:auto;flex:0 0 17rem;padding:1rem;\
    box-sizing:border-box;background:#f4f6f8;font-size:.9rem}
    nav a{display:block;color:inherit;text-decoration:none;padding:.1rem 0 .1rem .6rem}
    nav .chapter{font-weight:600;padding-left:0;margin-top:.6rem}
    main{flex:1;min-width:0;max-width:56rem;padding:1rem 2rem 4rem}
    section{border-top:1px solid #d8dee4;padding:.5rem 0 1rem}
    table{border-collapse:collapse;width:100%}
    th,td{text-align:left;vertical-align:top;border-bottom:1px solid #e7ebef;padding:.3rem .5rem}
    pre{background:#f4f6f8;padding:.8rem;overflow:auto;border-radius:4px}
    code{font-family:ui-monospace,monospace;font-size:.9em}
    .call b{padding:.1rem .4rem;border-radius:3px;color:#fff;background:#57606a}
    .call .get{background:#1a7f37}.call .post{background:#0969da}
    .call .delete{background:#cf222e}.call .patch{background:#9a6700}
    small{font-weight:400;color:#57606a}
    @media(max-width:50rem){body{display:block}nav{position:static;height:auto}}
    """
}
