import HTTPTypes
import Hummingbird

/// Tells browsers to make nothing of an answer but what it is; routes that send a page say more
/// themselves.
struct SecurityHeaders: RouterMiddleware {
  typealias Context = APIContext

  // Made once: a field looks through its value when it is made.
  private let fields: [HTTPField]

  /// - Parameter isSecure: Whether connections are encrypted; only then may a client be told to
  ///   insist on it.
  init(isSecure: Bool) {
    var fields = [
      HTTPField(name: .xContentTypeOptions, value: "nosniff"),
      HTTPField(name: .cacheControl, value: "no-store"),
      HTTPField(
        name: .contentSecurityPolicy,
        value: "default-src 'none'; frame-ancestors 'none'"
      ),
      HTTPField(name: .referrerPolicy, value: "no-referrer"),
    ]
    if isSecure {
      fields.append(HTTPField(name: .strictTransportSecurity, value: "max-age=31536000"))
    }
    self.fields = fields
  }

  func handle(
    _ request: Request,
    context: APIContext,
    next: @concurrent (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    var response = try await next(request, context)
    for field in fields where !response.headers.contains(field.name) {
      response.headers.append(field)
    }
    return response
  }
}
