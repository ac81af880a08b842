import HTTPTypes
import Hummingbird

/// Tells browsers to make nothing of an answer but what it is; routes that send a page say more
/// themselves.
struct SecurityHeaders: RouterMiddleware {
  typealias Context = APIContext

  private let headers: [(name: HTTPField.Name, value: String)]

  /// - Parameter isSecure: Whether connections are encrypted; only then may a client be told to
  ///   insist on it.
  init(isSecure: Bool) {
    var headers: [(name: HTTPField.Name, value: String)] = [
      (.xContentTypeOptions, "nosniff"),
      (.cacheControl, "no-store"),
      (.contentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'"),
      (.referrerPolicy, "no-referrer"),
    ]
    if isSecure { headers.append((.strictTransportSecurity, "max-age=31536000")) }
    self.headers = headers
  }

  func handle(
    _ request: Request,
    context: APIContext,
    next: @concurrent (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    var response = try await next(request, context)
    for (name, value) in headers where response.headers[name] == nil {
      response.headers[name] = value
    }
    return response
  }
}
