import Model

extension Refusals {
  /// Every status that refuses.
  static let all = requests + conflicts + faults

  private static let requests = [
    Kind(
      status: 400,
      name: "InvalidRequest",
      about: "Invalid request: `errors` has an entry for each fault, with a pointer to its place.",
      shapes: [
        Shape(
          example: .invalidRequest([
            Fault(pointer: "/backupId", code: .missingRequired, detail: "`backupId` is required.")
          ]),
          hasFaults: true
        ),
        Shape(example: .invalidCursor),
      ]
    ),
    Kind(
      status: 401,
      name: "Unauthorized",
      about: "Unauthorized: there is no key, or not a good one.",
      shapes: [Shape(example: .unauthorized)],
      headers: [("WWW-Authenticate", "WWWAuthenticate")]
    ),
    Kind(
      status: 403,
      name: "Forbidden",
      about: "Forbidden: `extensions.requiredScopes` names the scopes that the key lacks.",
      shapes: [
        Shape(example: .forbidden(required: [.backupVM]), extensions: ["requiredScopes"])
      ]
    ),
    Kind(
      status: 404,
      name: "NotFound",
      about: "Not found, or another client's, which is the same.",
      shapes: [Shape(example: .notFound)]
    ),
    Kind(
      status: 405,
      name: "MethodNotAllowed",
      about: "The path has other methods.",
      shapes: [Shape(example: .methodNotAllowed(allow: ["GET"]))],
      headers: [("Allow", "Allow")]
    ),
    Kind(
      status: 408,
      name: "RequestTimeout",
      about: "The request came too slowly.",
      shapes: [Shape(example: .requestTimeout)]
    ),
  ]

  private static let conflicts = [
    Kind(
      status: 409,
      name: "Conflict",
      about: "Not now: `code` and `extensions` tell what is in the way.",
      shapes: [
        Shape(
          example: .vpsNotReady(.jobInFlight, jobID: JobID("job_01hxa3b4c5d6e7f8g9h0j1k2m3")),
          extensions: ["reason"]
        ),
        Shape(example: .backupQuotaExceeded(used: 7, limit: 7), extensions: ["used", "limit"]),
        Shape(
          example: .backupInUse,
          others: [.idempotencyKeyReused, .jobNotCancellable, .undoExpired]
        ),
      ]
    ),
    Kind(
      status: 413,
      name: "PayloadTooLarge",
      about: "The body is larger than `extensions.limitBytes`.",
      shapes: [
        Shape(
          example: .payloadTooLarge(limitBytes: Limits.requestBodyBytes),
          extensions: ["limitBytes"]
        )
      ]
    ),
    Kind(
      status: 415,
      name: "UnsupportedMediaType",
      about: "The body isn't `application/json`.",
      shapes: [Shape(example: .unsupportedMediaType)]
    ),
    Kind(
      status: 429,
      name: "RateLimited",
      about: "Rate limited: retry after the seconds of `Retry-After`.",
      shapes: [Shape(example: .rateLimited(retryAfterSeconds: 1))],
      headers: [("Retry-After", "RetryAfter")]
    ),
  ]

  private static let faults = [
    Kind(
      status: 431,
      name: "HeadersTooLarge",
      about: "The request's first line and headers are too large.",
      shapes: [Shape(example: .unreadable(.headersTooLarge), hasFaults: true)]
    ),
    Kind(
      status: 500,
      name: "InternalError",
      about: "Internal error: the server's log has more under the `requestId`.",
      shapes: [Shape(example: .internalError)],
      isCounted: false
    ),
    Kind(
      status: 503,
      name: "ServiceUnavailable",
      about: "The catalog or the hypervisor is out of reach, or the server is ending.",
      shapes: [Shape(example: .serviceUnavailable(retryAfterSeconds: 2))],
      headers: [("Retry-After", "RetryAfter")],
      isCounted: false
    ),
  ]
}
