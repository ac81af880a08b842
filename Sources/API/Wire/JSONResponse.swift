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
    .json(try .json(value), status: status, contentType: contentType)
  }

  /// An answer whose body is JSON already.
  static func json(
    _ body: ByteBuffer,
    status: HTTPResponse.Status = .ok,
    contentType: String = "application/json"
  ) -> Response {
    Response(
      status: status,
      headers: [.contentType: contentType],
      body: ResponseBody(byteBuffer: body)
    )
  }

  /// An answer as it was kept.
  init(_ answer: KeptAnswer) {
    self = .json(
      ByteBuffer(bytes: answer.body),
      status: HTTPResponse.Status(code: answer.status)
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

extension ByteBuffer {
  /// A value as the bytes of a JSON body.
  static func json(_ value: some Encodable) throws -> ByteBuffer {
    ByteBuffer(bytes: try jsonBytes(value))
  }
}

/// The bytes of a JSON body: the same value always gives the same.
private func jsonBytes(_ value: some Encodable) throws -> Data {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return try encoder.encode(value)
}
