import HTTPTypes

extension HTTPField.Name {
  /// Names the request on every answer.
  static let requestID = known("X-Request-Id")
  /// The other way to send a key.
  static let apiKey = known("X-API-Key")
  /// How many requests there may be at once.
  static let rateLimit = known("X-RateLimit-Limit")
  /// How many more there may be now.
  static let rateLimitRemaining = known("X-RateLimit-Remaining")
  /// When there may be as many as ever again.
  static let rateLimitReset = known("X-RateLimit-Reset")
  /// The addresses that a request came through, as most proxies write them.
  static let forwardedFor = known("X-Forwarded-For")
  /// The same as RFC 7239 has it.
  static let forwarded = known("Forwarded")
  /// What a page's address is told to others.
  static let referrerPolicy = known("Referrer-Policy")
  /// Says which requests are one.
  static let idempotencyKey = known("Idempotency-Key")
  /// Says that an answer was given before.
  static let idempotencyReplayed = known("Idempotency-Replayed")
  /// The last event that a client of a stream has had.
  static let lastEventID = known("Last-Event-ID")
  /// Tells a proxy whether it may collect an answer before it passes it on.
  static let accelBuffering = known("X-Accel-Buffering")

  private static func known(_ name: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(name) else {
      preconditionFailure("\(name) isn't a header's name")
    }
    return name
  }
}
