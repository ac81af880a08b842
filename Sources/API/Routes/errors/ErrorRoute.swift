import Hummingbird
import Model

/// `GET /errors/{code}`: what a problem's code means and what to do about it, for people.
struct ErrorRoute: OpenRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/errors/{code}"
  static let documentation = RouteDocumentation(
    name: "getError",
    summary: "What a code means",
    about: "What a problem's `code` means and what to do about it, as a page for people.",
    chapter: .service,
    answer: .text("text/html; charset=utf-8", "The page.", example: "<!doctype html>…")
  )

  /// What stands before a problem's code in its type.
  let typeBase: String

  func answer(_ request: Request, _ context: APIContext) async throws -> Response {
    guard let code = ErrorCode(rawValue: context.parameters.get("code") ?? "") else {
      throw Refusal.notFound
    }
    return .page(ErrorPage(code: code, typeBase: typeBase).html)
  }
}
