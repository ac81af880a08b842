/// Why what arrived isn't a request: found before anything could be asked who sent it.
///
/// On the wire only as a sentence; the words are for logs and may grow.
package enum MessageFlaw: String, Sendable, CaseIterable {
  /// The first line isn't a method, a target and a version of HTTP.
  case requestLine = "request_line"
  /// The version is neither 1.0 nor 1.1.
  case version
  /// A header isn't a name and a value.
  case headers
  /// The request line and headers are larger than is taken.
  case headersTooLarge = "headers_too_large"
  /// There is no Host, or more than one.
  case host
  /// Where the body ends can't be told, or could be told in two ways.
  case framing
  /// The connection ended before the request did.
  case incomplete
  /// Its first line and headers took too long.
  case slow

  /// The fault as a problem tells it; nil when the refusal's own words say everything.
  package var fault: Fault? {
    let sentence: String
    switch self {
    case .requestLine: sentence = "The request's first line is not valid HTTP."
    case .version: sentence = "The request's version is not HTTP/1.0 or HTTP/1.1."
    case .headers: sentence = "A header of the request is not valid HTTP."
    case .headersTooLarge:
      let limit = Limits.headerListBytes
      sentence = "The request's first line and headers are larger than \(limit) bytes."
    case .host: sentence = "The request must have exactly one Host header."
    case .framing: sentence = "The length of the request's body is not told in one valid way."
    case .incomplete: sentence = "The request ended before it was complete."
    case .slow: return nil
    }
    let code: FaultCode = self == .headersTooLarge ? .tooLong : .invalidValue
    return Fault(pointer: "", code: code, detail: sentence)
  }

  /// What it is answered with.
  package var refusal: Refusal {
    switch self {
    case .slow: .requestTimeout
    case .requestLine, .version, .headers, .headersTooLarge, .host, .framing, .incomplete:
      .unreadable(self)
    }
  }
}
