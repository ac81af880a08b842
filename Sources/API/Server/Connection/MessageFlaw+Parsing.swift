import Model
import NIOHTTP1

/// The rest of a request's body couldn't be read, or didn't come.
struct UnreadableBody: Error {
  /// Why.
  let flaw: MessageFlaw
}

extension MessageFlaw {
  /// What is wrong with a head that the parser let pass; nil when nothing is.
  init?(of head: HTTPRequestHead) {
    guard head.version == .http1_1 || head.version == .http1_0 else {
      self = .version
      return
    }
    let hosts = head.headers[canonicalForm: "host"].count
    guard hosts == 1 || (hosts == 0 && head.version == .http1_0) else {
      self = .host
      return
    }
    // Who reads the one and who reads the other would see two different requests.
    guard head.headers.contains(name: "transfer-encoding") else { return nil }
    guard !head.headers.contains(name: "content-length"), head.version == .http1_1 else {
      self = .framing
      return
    }
    return nil
  }

  /// What the parser found.
  init(_ error: HTTPParserError, inBody: Bool) {
    switch error {
    case .headerOverflow: self = .headersTooLarge
    case .invalidEOFState, .closedConnection: self = .incomplete
    case _ where inBody: self = .framing
    case .invalidVersion: self = .version
    case .invalidMethod, .invalidURL, .invalidConstant, .invalidStatus: self = .requestLine
    // `unknown` is what a bad Transfer-Encoding comes out as.
    case .invalidContentLength, .unexpectedContentLength, .invalidChunkSize, .unknown:
      self = .framing
    default: self = .headers
    }
  }
}
