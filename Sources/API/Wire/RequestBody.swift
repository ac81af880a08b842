package import Model

/// A body as it was sent.
package struct ReceivedBody: Sendable, Equatable {
  /// Its bytes; empty when there is none.
  package let bytes: [UInt8]
  /// Whether the request says that it is JSON.
  package let isJSON: Bool

  /// Makes a body.
  package init(bytes: [UInt8], isJSON: Bool) {
    self.bytes = bytes
    self.isJSON = isJSON
  }
}

/// What can be read from a body.
package protocol RequestBody: Sendable {
  /// Reads the body: 415, then 400.
  static func read(_ body: ReceivedBody) throws(Refusal) -> Self
}

/// A body that may be missing; then its content type doesn't matter either.
extension Optional: RequestBody where Wrapped: RequestFields {
  package static func read(_ body: ReceivedBody) throws(Refusal) -> Self {
    if body.bytes.isEmpty { return nil }
    return .some(try Wrapped.read(body))
  }
}
