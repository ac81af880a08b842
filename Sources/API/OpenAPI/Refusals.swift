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
    /// One of its refusals, for the example.
    let example: Refusal
    /// What headers it has beside those that every answer has.
    var headers: [(field: String, component: String)] = []
  }

  /// The headers that tell a caller's limits.
  static let rateHeaders = [
    ("X-RateLimit-Limit", "RateLimit"), ("X-RateLimit-Remaining", "RateLimitRemaining"),
    ("X-RateLimit-Reset", "RateLimitReset"),
  ]

  static let all = [
    Kind(
      status: 400,
      name: "InvalidRequest",
      about: "Invalid request: `errors` has an entry for each fault, with a pointer to its place.",
      example: .invalidRequest([
        Fault(
          pointer: "/backupId",
          code: .missingRequired,
          detail: "`backupId` is required."
        )
      ])
    ),
    Kind(
      status: 401,
      name: "Unauthorized",
      about: "Unauthorized: there is no key, or not a good one.",
      example: .unauthorized,
      headers: [("WWW-Authenticate", "WWWAuthenticate")]
    ),
    Kind(
      status: 403,
      name: "Forbidden",
      about: "Forbidden: `extensions.requiredScopes` names the scopes that the key lacks.",
      example: .forbidden(required: [.backupVM])
    ),
    Kind(
      status: 404,
      name: "NotFound",
      about: "Not found, or another client's, which is the same.",
      example: .notFound
    ),
    Kind(
      status: 405,
      name: "MethodNotAllowed",
      about: "The path has other methods.",
      example: .methodNotAllowed(allow: ["GET"]),
      headers: [("Allow", "Allow")]
    ),
    Kind(
      status: 408,
      name: "RequestTimeout",
      about: "The request came too slowly.",
      example: .requestTimeout
    ),
    Kind(
      status: 409,
      name: "Conflict",
      about: "Not now: `code` and `extensions` tell what is in the way.",
      example: .vpsNotReady(.savedState, jobID: nil)
    ),
    Kind(
      status: 413,
      name: "PayloadTooLarge",
      about: "The body is larger than `extensions.limitBytes`.",
      example: .payloadTooLarge(limitBytes: Limits.requestBodyBytes)
    ),
    Kind(
      status: 415,
      name: "UnsupportedMediaType",
      about: "The body isn't `application/json`.",
      example: .unsupportedMediaType
    ),
    Kind(
      status: 429,
      name: "RateLimited",
      about: "Rate limited: retry after the seconds of `Retry-After`.",
      example: .rateLimited(retryAfterSeconds: 1),
      headers: [("Retry-After", "RetryAfter")]
        + rateHeaders.map { (field: $0.0, component: $0.1) }
    ),
    Kind(
      status: 431,
      name: "HeadersTooLarge",
      about: "The request's first line and headers are too large.",
      example: .unreadable(.headersTooLarge)
    ),
    Kind(
      status: 500,
      name: "InternalError",
      about: "Internal error: the server's log has more under the `requestId`.",
      example: .internalError
    ),
    Kind(
      status: 503,
      name: "ServiceUnavailable",
      about: "The catalog or the hypervisor is out of reach, or the server is ending.",
      example: .serviceUnavailable(retryAfterSeconds: 2),
      headers: [("Retry-After", "RetryAfter")]
    ),
  ]

  /// Headers of an answer as references to the components.
  static func headerReferences(_ names: [(String, String)]) -> JSON {
    .object(
      names.map { JSON.Member($0.0, ["$ref": .string("#/components/headers/\($0.1)")]) }
    )
  }
}

extension Refusals.Kind {
  /// The component.
  var response: JSON {
    let names = [("X-Request-Id", "RequestId")] + headers.map { ($0.field, $0.component) }
    return [
      "description": .string(about),
      "headers": Refusals.headerReferences(names),
      "content": [
        "application/problem+json": [
          "schema": Schema.component("Problem").json, "example": document,
        ]
      ],
    ]
  }

  /// The example: the very document that the server would answer.
  private var document: JSON {
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
    return .object(members)
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
