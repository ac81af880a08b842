import Catalog
import Foundation
import Hummingbird

extension Response {
  /// An answer with a JSON body.
  static func json(
    _ value: some Encodable,
    status: HTTPResponse.Status = .ok,
    contentType: String = "application/json"
  ) throws -> Response {
    Response(status: status, json: try jsonBytes(value), contentType: contentType)
  }

  /// An answer as it was kept.
  init(_ answer: KeptAnswer) {
    self.init(
      status: HTTPResponse.Status(code: answer.status),
      json: answer.body,
      contentType: "application/json"
    )
  }

  private init(status: HTTPResponse.Status, json: some Sequence<UInt8>, contentType: String) {
    self.init(
      status: status,
      headers: [.contentType: contentType],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: json))
    )
  }

  /// An answer with a page for people that loads nothing else.
  static func page(_ html: String) -> Response {
    Response(
      status: .ok,
      headers: [
        .contentType: "text/html; charset=utf-8",
        // The page carries its own few rules, and nothing else may be loaded or run.
        .contentSecurityPolicy:
          "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        .cacheControl: "no-cache",
      ],
      body: ResponseBody(byteBuffer: ByteBuffer(string: html))
    )
  }
}

extension KeptAnswer {
  /// An answer with a JSON body, to be kept.
  static func json(_ value: some Encodable, status: HTTPResponse.Status) throws -> KeptAnswer {
    KeptAnswer(status: status.code, body: Array(try jsonBytes(value)))
  }
}

/// The bytes of a JSON body: the same value always gives the same.
private func jsonBytes(_ value: some Encodable) throws -> Data {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return try encoder.encode(value)
}
