import API
import Foundation
import HTTPTypes
import HummingbirdTesting
import Model
import NIOCore
import Testing

/// An answer with its body read.
struct Answer: Sendable {
  let status: Int
  let headers: HTTPFields
  let text: String

  /// The body as JSON; null when there is none, and for a stream of events.
  let json: JSON

  init(_ response: TestResponse) throws {
    status = response.status.code
    headers = response.headers
    text = String(buffer: response.body)
    let isJSON = headers[.contentType]?.hasSuffix("json") ?? false
    json =
      isJSON && !text.isEmpty
      ? try JSONReader.read(Array(text.utf8), depthLimit: Limits.jsonDepth) : .null
  }

  func header(_ name: String) -> String? {
    HTTPField.Name(name).flatMap { headers[$0] }
  }
}

/// A request as a test writes it.
struct Question: Sendable {
  var method: String
  var path: String
  var key: String?
  var body: String?
  var headers: [String: String] = [:]

  init(
    _ method: String,
    _ path: String,
    key: String? = nil,
    body: String? = nil,
    headers: [String: String] = [:]
  ) {
    self.method = method
    self.path = path
    self.key = key
    self.body = body
    self.headers = headers
  }

  func ask(_ client: any TestClientProtocol) async throws -> Answer {
    var fields = HTTPFields()
    if let key { fields[.authorization] = "Bearer \(key)" }
    if body != nil { fields[.contentType] = "application/json" }
    for (name, value) in headers { fields[try #require(HTTPField.Name(name))] = value }
    let answer = try Answer(
      await client.execute(
        uri: path,
        method: try #require(HTTPRequest.Method(method)),
        headers: fields,
        body: body.map { ByteBuffer(string: $0) }
      )
    )
    var faults = Contract.faults(of: answer, to: method, path)
    if let body, (200..<300).contains(answer.status) {
      faults += Contract.faults(ofAccepted: body, to: method, path)
    }
    #expect(faults.isEmpty, "\(method) \(path): \(faults)")
    return answer
  }
}

extension Question {
  /// Asks, and expects nothing but a status.
  func expect(
    _ status: Int,
    _ client: any TestClientProtocol,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let answer = try await ask(client)
    #expect(answer.status == status, "\(answer.text)", sourceLocation: sourceLocation)
  }
}

extension JSON {
  /// An element of an array; nil when it isn't there.
  subscript(_ index: Int) -> JSON? {
    guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
    return elements[index]
  }

  var text: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// The names of an object's members.
  var names: Set<String> {
    if case .object(let members) = self { Set(members.map(\.name)) } else { [] }
  }
}

extension Answer {
  /// The code of a problem.
  var code: String? { json["code"]?.text }

  /// The faults of a problem as `pointer code`.
  var faults: [String] {
    (json["errors"]?.elements ?? []).map {
      "\($0["pointer"]?.text ?? "?") \($0["code"]?.text ?? "?")"
    }
  }
}

extension World {
  /// The seed's own request.
  func restore(
    to target: VPS? = nil,
    from source: String? = nil,
    backup: String? = nil
  ) -> Question {
    Question(
      "POST",
      "/api/v2/vps/\((target ?? self.target).id)/backups/actions/restore-from-vps",
      key: key,
      body: """
        {
          "sourceVpsId": "\(source ?? self.source.id.text)",
          "backupId": "\(backup ?? self.backup.id.text)"
        }
        """
    )
  }
}
