import Hummingbird
import Model

/// The API as a document for machines (OpenAPI 3.1), made of what the routes say of themselves, so
/// that neither can be without the other.
struct OpenAPIDocument: Sendable {
  /// The whole document.
  let json: JSON

  /// Documents routes.
  init(_ routes: [any Route.Type]) {
    json = [
      "openapi": "3.1.0",
      "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
      "info": Self.information,
      "servers": [["url": "/", "description": "The server that gave this document out."]],
      "tags": .array(
        RouteDocumentation.Chapter.allCases.map { ["name": .string($0.rawValue)] }
      ),
      "paths": Self.paths(routes),
      "components": [
        "securitySchemes": Self.securitySchemes,
        "headers": Components.headers,
        "responses": Refusals.responses(routes),
        "schemas": .object(Components.all.map { JSON.Member($0.name, $0.schema.json) }),
      ],
    ]
  }

  private static let information: JSON = [
    "title": "Rehome",
    "version": "2",
    "summary": "Puts a backup of one VPS onto another VPS of the same client.",
    "description": """
    Everything that changes a VPS is a job: the answer is 202 with a `pollUrl`. Times are UTC \
    with milliseconds, sizes end in their unit, and each `…Gb` has an exact `…Bytes` beside it. \
    What belongs to another client doesn't exist. Every error is a problem document (RFC 7807) \
    with a stable `code`.
    """,
    "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
  ]

  private static let securitySchemes: JSON = [
    "bearer": [
      "type": "http", "scheme": "bearer",
      "description": "`Authorization: Bearer YOUR_API_KEY`. It is believed before `X-API-Key`.",
    ],
    "apiKey": ["type": "apiKey", "in": "header", "name": "X-API-Key"],
  ]

  // MARK: - Paths

  private static func paths(_ routes: [any Route.Type]) -> JSON {
    var paths: [String] = []
    for route in routes where !paths.contains(route.path.description) {
      paths.append(route.path.description)
    }
    return .object(
      paths.sorted().map { path in
        let methods = routes.filter { $0.path.description == path }
        return JSON.Member(
          path,
          .object(methods.map { JSON.Member($0.method.rawValue.lowercased(), operation($0)) })
        )
      }
    )
  }

  private static func operation(_ route: any Route.Type) -> JSON {
    let documentation = route.documentation
    var members: [JSON.Member] = [
      JSON.Member("operationId", .string(documentation.name)),
      JSON.Member("tags", [.string(documentation.chapter.rawValue)]),
      JSON.Member("summary", .string(documentation.summary)),
      JSON.Member("description", .string(documentation.about)),
    ]
    let parameters = parameters(of: route)
    if !parameters.isEmpty { members.append(JSON.Member("parameters", .array(parameters))) }
    if let body = documentation.body {
      members.append(JSON.Member("requestBody", requestBody(body)))
    }
    members.append(JSON.Member("responses", responses(of: route)))
    if let scope = route.neededScope {
      members.append(JSON.Member("x-required-scope", .string(scope.rawValue)))
    }
    members.append(
      JSON.Member("security", route.needsKey ? [["bearer": []], ["apiKey": []]] : [])
    )
    return .object(members)
  }

  private static func parameters(of route: any Route.Type) -> [JSON] {
    let inPath = route.pathParameters.map { name -> JSON in
      [
        "name": .string(name), "in": "path", "required": true,
        "schema": Components.pathParameter(name).json,
      ]
    }
    let inQuery = route.documentation.query.map { parameter -> JSON in
      ["name": .string(parameter.name), "in": "query", "schema": parameter.schema.json]
    }
    let inHeaders = route.documentation.headers.map { parameter -> JSON in
      ["name": .string(parameter.name), "in": "header", "schema": parameter.schema.json]
    }
    let named = inPath + inQuery + inHeaders
    guard route.method == .post, route.needsKey else { return named }
    let idempotency: JSON = [
      "name": "Idempotency-Key", "in": "header",
      "schema": Schema.text(
        "Chosen by the caller, new for each new wish: the same request again within 24 hours gets "
          + "the first one's answer and does nothing.",
        example: "4c1f7c1e-0f0e-4a58-9d1e-8a8f5f0c6d3b",
        pattern: "^[!-~]{1,255}$",
        length: 1...255
      ).json,
    ]
    return named + [idempotency]
  }

  private static func requestBody(_ body: RouteDocumentation.Body) -> JSON {
    [
      "required": .boolean(body.isRequired),
      "content": ["application/json": ["schema": body.schema.json, "example": body.example]],
    ]
  }

  private static func responses(of route: any Route.Type) -> JSON {
    let answer = route.documentation.answer
    var members = [JSON.Member(String(answer.status.code), success(answer, of: route))]
    if let other = route.documentation.otherAnswer {
      members.append(JSON.Member(String(other.status.code), success(other, of: route)))
    }
    for refusal in Refusals.all where route.refusals.contains(refusal.status) {
      members.append(
        JSON.Member(
          String(refusal.status),
          ["$ref": .string("#/components/responses/\(refusal.name)")]
        )
      )
    }
    return .object(members)
  }

  private static func success(
    _ answer: RouteDocumentation.Answer,
    of route: any Route.Type
  ) -> JSON {
    var names = Refusals.commonHeaders + answer.headers
    if route.isCounted { names += Refusals.rateHeaders }
    if route.needsKey, route.method == .post {
      names.append(("Idempotency-Replayed", "IdempotencyReplayed"))
    }
    var members: [JSON.Member] = [
      JSON.Member("description", .string(answer.summary)),
      JSON.Member("headers", Refusals.headerReferences(names)),
    ]
    if let schema = answer.schema {
      var content: [JSON.Member] = [JSON.Member("schema", schema.json)]
      if let example = answer.example { content.append(JSON.Member("example", example)) }
      members.append(
        JSON.Member("content", .object([JSON.Member(answer.contentType, .object(content))]))
      )
    }
    let links = route.documentation.links
    if !links.isEmpty {
      members.append(
        JSON.Member("links", .object(links.map { JSON.Member($0.operation, $0.json) }))
      )
    }
    return .object(members)
  }
}

extension RouteDocumentation.Link {
  /// The link as it stands in the document.
  fileprivate var json: JSON {
    var members: [JSON.Member] = [
      JSON.Member("operationId", .string(operation)),
      JSON.Member(
        "parameters",
        .object(parameters.map { JSON.Member($0.name, .string($0.value)) })
      ),
    ]
    if let body { members.append(JSON.Member("requestBody", body)) }
    return .object(members)
  }
}
