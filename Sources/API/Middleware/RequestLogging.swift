import Hummingbird
import Logging
import Model

/// Writes one line a request: what was asked and what was answered, never a key or a body.
struct RequestLogging: RouterMiddleware {
  typealias Context = APIContext

  func handle(
    _ request: Request,
    context: APIContext,
    next: @concurrent (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    let clock = ContinuousClock()
    let start = clock.now
    let response = try await next(request, context)
    context.logger.info(
      "request",
      metadata: [
        "method": "\(request.method)",
        "path": "\(request.uri.path)",
        "route": "\(context.endpointPath ?? "none")",
        "status": "\(response.status.code)",
        "duration.ms": "\((clock.now - start).milliseconds)",
        "address": "\(context.address ?? "unknown")",
      ]
    )
    return response
  }
}
