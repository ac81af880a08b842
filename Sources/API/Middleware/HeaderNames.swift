import HTTPTypes

extension HTTPField.Name {
  /// Names the request on every answer.
  static let requestID = known("X-Request-Id")
  /// The other way to send a key.
  static let apiKey = known("X-API-Key")

  private static func known(_ name: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(name) else {
      preconditionFailure("\(name) isn't a header's name")
    }
    return name
  }
}
