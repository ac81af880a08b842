import Hummingbird
import Model

/// Names the request on its answer, whatever the answer is.
struct RequestIdentity: RouterMiddleware {
  typealias Context = APIContext

  func handle(
    _ request: Request,
    context: APIContext,
    next: @concurrent (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    var response = try await next(request, context)
    response.headers[.requestID] = context.requestID.text
    return response
  }
}
