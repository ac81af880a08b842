import API
import HTTPTypes
import HummingbirdTesting
import Model
import NIOCore
import Testing

/// The document and the server say the same.
@Suite struct OpenAPITests {
  private static let document = Contract.document

  private static var operations: [(name: String, value: JSON)] {
    (document["paths"]?.members ?? []).flatMap { path in
      path.value.members.map { ("\($0.name.uppercased()) \(path.name)", $0.value) }
    }
  }

  @Test func `It has exactly the routes that the server has`() async throws {
    try await World.with { world, client in
      #expect(Set(Self.operations.map(\.name)) == Set(world.server.routes))
      let answer = try await client.execute(uri: "/api/openapi.json", method: .get)
      #expect(answer.status == .ok)
      let read = try JSONReader.read(Array(buffer: answer.body), depthLimit: 64)
      #expect(read == Self.document)
    }
  }

  @Test func `Every operation has a name of its own, a summary and a text`() {
    let names = Self.operations.compactMap { $0.value["operationId"]?.words }
    #expect(names.count == Self.operations.count)
    #expect(Set(names).count == names.count)
    for operation in Self.operations {
      #expect(operation.value["summary"]?.words?.isEmpty == false, "\(operation.name)")
      #expect(operation.value["description"]?.words?.isEmpty == false, "\(operation.name)")
    }
  }

  @Test func `Every reference leads to something`() {
    Self.walk(Self.document) { value in
      if value["$ref"] != nil { _ = SchemaCheck(Self.document).resolved(value) }
    }
  }

  @Test func `Every component is used`() {
    var used: Set<String> = []
    Self.walk(Self.document) { value in
      if let reference = value["$ref"]?.words { used.insert(reference) }
    }
    for kind in ["schemas", "responses", "headers"] {
      for component in Self.document["components"]?[kind]?.members ?? [] {
        #expect(used.contains("#/components/\(kind)/\(component.name)"), "\(component.name)")
      }
    }
  }

  @Test func `Every example is what its schema allows`() {
    Self.walk(Self.document) { value in
      guard let schema = value["schema"] else { return }
      let several = (value["examples"]?.members ?? []).compactMap { $0.value["value"] }
      for example in several + [value["example"]].compactMap(\.self) {
        let faults = SchemaCheck(Self.document).faults(example, schema, "")
        #expect(faults.isEmpty, "\(faults)")
      }
    }
  }

  @Test func `Each refusal's codes are those of its status, and each code is some refusal's`() {
    var shown: [String: Set<Int>] = [:]
    for response in Self.document["components"]?["responses"]?.members ?? [] {
      let media = response.value["content"]?.members.first?.value
      let parts = media?["schema"]?["allOf"]?.elements.last
      guard case .number(let text)? = parts?["properties"]?["status"]?["const"],
        let status = Int(text)
      else {
        Issue.record("\(response.name) has no status")
        continue
      }
      for shape in parts?["anyOf"]?.elements ?? [] {
        for code in shape["properties"]?["code"]?["enum"]?.elements.compactMap(\.words) ?? [] {
          shown[code, default: []].insert(status)
        }
      }
    }
    for code in ErrorCode.allCases {
      // Headers that are too large are the one code that has two.
      let usual = Set([code.status, code == .invalidRequest ? 431 : nil].compactMap(\.self))
      #expect(shown[code.rawValue] ?? [] == usual, "\(code)")
    }
  }

  @Test func `Every answer tells the caller's limits but those of what watches over the server`() {
    for operation in Self.operations {
      let isProbe = ["getHealth", "getReadiness"].contains(operation.value["operationId"]?.words)
      for answer in operation.value["responses"]?.members ?? [] {
        let response = SchemaCheck(Self.document).resolved(answer.value)
        let headers = response["headers"]?.members ?? []
        let told = headers.filter { $0.name.hasPrefix("X-RateLimit-") }
        #expect(told.count == (isProbe && answer.name == "200" ? 0 : 3), "\(operation.name)")
        // What goes wrong before it is known who asks can't tell.
        for header in told {
          let isRequired = SchemaCheck(Self.document).resolved(header.value)["required"] != nil
          #expect(isRequired == !["500", "503"].contains(answer.name), "\(answer.name)")
        }
      }
    }
  }

  @Test func `The reference is one page that loads nothing`() async throws {
    try await World.with { _, client in
      let answer = try await client.execute(uri: "/api/reference", method: .get)
      let page = String(buffer: answer.body)
      #expect(answer.headers[.contentType] == "text/html; charset=utf-8")
      for operation in Self.operations {
        let name = operation.value["operationId"]?.words ?? "?"
        #expect(page.contains(#"<section id="\#(name)">"#), "\(name)")
      }
      for word in ["<script", "src=", "<link", "@import", "url("] {
        #expect(!page.contains(word), "\(word)")
      }
      #expect(page.contains("restore-from-vps"))
    }
  }

  private static func walk(_ value: JSON, _ visit: (JSON) -> Void) {
    visit(value)
    for member in value.members { walk(member.value, visit) }
    for element in value.elements { walk(element, visit) }
  }
}
