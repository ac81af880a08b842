import Hummingbird
import Model

/// The bad answers as the document shows them, one a status.
enum Refusals {
  /// All refusals of a status.
  struct Kind: Sendable {
    /// The status.
    let status: Int
    /// Its name among the components.
    let name: String
    /// What it means.
    let about: String
    /// Its codes, by what a problem with them holds.
    let shapes: [Shape]
    /// What headers it has beside those that every answer has.
    var headers: [Header] = []
    /// Whether its answers always tell the caller's limits, or only if the request was counted before
    /// things went wrong.
    var isCounted = true
  }

  /// Codes whose problems hold the same.
  struct Shape: Sendable {
    /// One of its refusals, which has the first code, for the example.
    let example: Refusal
    /// The codes that stand for the same kind of problem beside it.
    var others: [ErrorCode] = []
    /// What is always in its `extensions`.
    var extensions: [String] = []
    /// Whether it always has `errors`.
    var hasFaults = false
  }

  /// A header and the component that describes it.
  typealias Header = (field: String, component: String)

  /// The headers of every answer, whatever it is.
  static let commonHeaders: [Header] = [
    ("X-Request-Id", "RequestId"), ("Cache-Control", "CacheControl"),
    ("X-Content-Type-Options", "ContentTypeOptions"),
    ("Content-Security-Policy", "ContentSecurityPolicy"), ("Referrer-Policy", "ReferrerPolicy"),
    ("Strict-Transport-Security", "StrictTransportSecurity"),
  ]

  /// The headers that tell a caller's limits.
  static let rateHeaders: [Header] = [
    ("X-RateLimit-Limit", "RateLimit"), ("X-RateLimit-Remaining", "RateLimitRemaining"),
    ("X-RateLimit-Reset", "RateLimitReset"),
  ]

  /// Headers of an answer as references to the components.
  static func headerReferences(_ headers: [Header]) -> JSON {
    .object(
      headers.map {
        JSON.Member($0.field, ["$ref": .string("#/components/headers/\($0.component)")])
      }
    )
  }

  /// The components that routes refer to.
  static func responses(_ routes: [any Route.Type]) -> JSON {
    let used = all.filter { kind in routes.contains { $0.refusals.contains(kind.status) } }
    return .object(used.map { JSON.Member($0.name, $0.response) })
  }
}

extension Refusals.Kind {
  /// The component.
  fileprivate var response: JSON {
    let rates = Refusals.rateHeaders.map { header -> Refusals.Header in
      isCounted ? header : (field: header.field, component: "Maybe" + header.component)
    }
    let names = Refusals.commonHeaders + headers + rates
    var content = [JSON.Member("schema", schema)]
    if shapes.count == 1 {
      content.append(JSON.Member("example", shapes[0].document))
    } else {
      let examples = shapes.map {
        JSON.Member($0.example.code, ["value": $0.document])
      }
      content.append(JSON.Member("examples", .object(examples)))
    }
    return [
      "description": .string(about),
      "headers": Refusals.headerReferences(names),
      "content": ["application/problem+json": .object(content)],
    ]
  }

  /// What a problem of this status is more than any other.
  private var schema: JSON {
    let members = [
      JSON.Member("properties", ["status": ["const": .integer(status)]]),
      JSON.Member("anyOf", .array(shapes.map(\.schema))),
    ]
    return ["allOf": [Schema.component("Problem").json, .object(members)]]
  }
}

extension Refusals.Shape {
  /// What its problems hold.
  fileprivate var schema: JSON {
    let codes = [example.errorCode] + others
    var fields = [JSON.Member("code", ["enum": .array(codes.map { .string($0.rawValue) })])]
    var required: [JSON] = []
    if hasFaults { required.append("errors") }
    if !extensions.isEmpty {
      required.append("extensions")
      fields.append(
        JSON.Member("extensions", ["required": .array(extensions.map(JSON.string))])
      )
    }
    var members = [JSON.Member("properties", .object(fields))]
    if !required.isEmpty { members.append(JSON.Member("required", .array(required))) }
    return .object(members)
  }

  /// The example: the very document that the server would answer.
  fileprivate var document: JSON {
    let problem = Problem(example)
    var members: [JSON.Member] = [
      JSON.Member("type", .string("https://developer.hostup.se/errors/\(example.code)")),
      JSON.Member("title", .string(example.title)),
      JSON.Member("status", .integer(problem.status.code)),
      JSON.Member("detail", .string(example.detail)),
      JSON.Member("code", .string(example.code)),
      JSON.Member("instance", "/api/v2/resource"),
      JSON.Member("requestId", "req_01hxa3b4c5d6e7f8g9h0j1k2m3"),
      JSON.Member("timestamp", "2026-04-27T12:34:56.000Z"),
    ]
    if let faults = example.faults {
      let errors = faults.map { fault -> JSON in
        [
          "pointer": .string(fault.pointer), "detail": .string(fault.detail),
          "code": .string(fault.code.rawValue),
        ]
      }
      members.append(JSON.Member("errors", .array(errors)))
    }
    if let extensions = problem.extensions {
      members.append(JSON.Member("extensions", extensions.json))
    }
    return .object(members)
  }
}

extension ProblemExtensions {
  /// What there is of it, as an answer has it.
  fileprivate var json: JSON {
    let members: [JSON.Member?] = [
      requiredScopes.map {
        JSON.Member("requiredScopes", .array($0.map { .string($0.rawValue) }))
      },
      reason.map { JSON.Member("reason", .string($0.rawValue)) },
      jobId.map { JSON.Member("jobId", .string($0)) },
      limitBytes.map { JSON.Member("limitBytes", .integer($0)) },
      used.map { JSON.Member("used", .integer($0)) },
      limit.map { JSON.Member("limit", .integer($0)) },
      parts.map {
        JSON.Member("parts", .object($0.sorted { $0.key < $1.key }.map { .init($0, .string($1)) }))
      },
    ]
    return .object(members.compactMap { $0 })
  }
}

extension Route {
  /// The identifiers in its path, in their order.
  static var pathParameters: [String] {
    path.description.split(separator: "/").filter { $0.hasPrefix("{") && $0.hasSuffix("}") }
      .map { String($0.dropFirst().dropLast()) }
  }

  /// Whether it needs a key.
  static var needsKey: Bool { self is any CallerRoute.Type }

  /// The scope that it needs; nil: none, or the use case asks for more itself.
  static var neededScope: Scope? { (self as? any CallerRoute.Type)?.scope }

  /// The statuses that it may refuse a request with.
  static var refusals: Set<Int> {
    var statuses = documentation.refusals
    statuses.formUnion([400, 405, 408, 429, 431, 500, 503])
    if needsKey { statuses.formUnion([401, 403]) }
    if !pathParameters.isEmpty { statuses.insert(404) }
    if documentation.body != nil { statuses.formUnion([413, 415]) }
    // Every POST reads a body, if only to say that it takes none.
    if method == .post, needsKey { statuses.formUnion([409, 413, 415]) }
    return statuses
  }
}
