import Model

extension Components {
  /// The headers of answers, by their names there.
  static let headers: JSON = {
    let counted = rates.map { always($0.name, $0.about, $0.schema) }
    let maybeCounted = rates.map { maybe("Maybe" + $0.name, $0.about, $0.schema) }
    return .object(ownHeaders + browserHeaders + counted + maybeCounted)
  }()

  private static let ownHeaders = [
    always(
      "RequestId",
      "Names the request in the server's log.",
      .identifier("The request.", RequestKind.self)
    ),
    always(
      "RetryAfter",
      "After how many seconds another try makes sense.",
      .integer("Seconds.", from: 1)
    ),
    always("Allow", "The methods of the path.", .text("Methods with commas between.")),
    always("WWWAuthenticate", "How to say who you are.", .text("The scheme.", example: "Bearer")),
    maybe(
      "IdempotencyReplayed",
      "There, and `true`, when the answer is the first one's once more.",
      .words("The word true.", ["true"])
    ),
    always(
      "AccelBuffering",
      "Tells proxies to pass each event on at once.",
      .words("The word no.", ["no"])
    ),
  ]

  private static let browserHeaders = [
    always("CacheControl", "Who may keep the answer.", .text("`no-store`, or `no-cache`.")),
    always(
      "ContentTypeOptions",
      "The type is what it is said to be.",
      .words("The word nosniff.", ["nosniff"])
    ),
    always(
      "ContentSecurityPolicy",
      "What a browser may make of the answer.",
      .text("The policy.", example: "default-src 'none'; frame-ancestors 'none'")
    ),
    always(
      "ReferrerPolicy",
      "Links out of the answer tell nobody of it.",
      .words("The word no-referrer.", ["no-referrer"])
    ),
    maybe(
      "StrictTransportSecurity",
      "Over TLS: come back encrypted only.",
      .text("For how long.", example: "max-age=31536000")
    ),
  ]

  /// What tells a caller's limits.
  private static let rates: [(name: String, about: String, schema: Schema)] = [
    (
      "RateLimit", "How many requests, or event streams, the caller may have at once.",
      .integer("Requests or streams.", from: 1)
    ),
    ("RateLimitRemaining", "How many are left now.", .integer("Requests or streams.", from: 0)),
    ("RateLimitReset", "When all of them are there again.", .moment("The moment.")),
  ]

  /// A header that is there in every answer that shows it.
  private static func always(_ name: String, _ about: String, _ schema: Schema) -> JSON.Member {
    JSON.Member(
      name,
      ["description": .string(about), "required": true, "schema": schema.json]
    )
  }

  /// A header that may be left out.
  private static func maybe(_ name: String, _ about: String, _ schema: Schema) -> JSON.Member {
    JSON.Member(name, ["description": .string(about), "schema": schema.json])
  }
}
