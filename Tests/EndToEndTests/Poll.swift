import TestSupport

/// Looks again and again until there is something to see, at most for a while.
@discardableResult
func poll<Value>(
  _ what: String,
  within limit: Duration = .seconds(120),
  _ look: () async throws -> Value?
) async throws -> Value {
  let deadline = ContinuousClock.now + limit
  while true {
    if let value = try await look() { return value }
    guard ContinuousClock.now < deadline else {
      throw Unexpected(what: what, found: "not within \(limit)")
    }
    try await Task.sleep(for: .milliseconds(50))
  }
}
