import Hummingbird

/// `GET /api/openapi.json`: the API as a document for machines.
struct OpenAPIRoute: OpenRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/api/openapi.json"
  static let documentation = RouteDocumentation(
    name: "getOpenAPI",
    summary: "This API as an OpenAPI document",
    about: "OpenAPI 3.1, made of the routes themselves.",
    chapter: .service,
    answer: .json(
      .ok,
      "The document.",
      .map("The document.", of: .anything),
      example: ["openapi": "3.1.0"]
    )
  )

  /// The document as text, made once.
  let text: String

  func answer(_ request: Request, _ context: APIContext) async throws -> Response {
    Response(
      status: .ok,
      headers: [.contentType: "application/json", .cacheControl: "no-cache"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text))
    )
  }
}
