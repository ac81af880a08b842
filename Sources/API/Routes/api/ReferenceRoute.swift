import Hummingbird

/// `GET /api/reference`: the same document as a page for people.
struct ReferenceRoute: OpenRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/api/reference"
  static let documentation = RouteDocumentation(
    name: "getReference",
    summary: "This API as a page",
    about: "The whole reference on one page that loads nothing else.",
    chapter: .service,
    answer: .text("text/html; charset=utf-8", "The page.", example: "<!doctype html>…")
  )

  /// The page, made once.
  let page: String

  func answer(_ request: Request, _ context: APIContext) async throws -> Response {
    .page(page)
  }
}
