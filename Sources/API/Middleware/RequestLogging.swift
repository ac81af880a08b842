import Hummingbird
import Logging
import Model

/// Writes one line a request, what was asked and what was answered, never a key or a body; and
/// counts it.
struct RequestLogging: RouterMiddleware {
  typealias Context = APIContext

  /// Where requests are counted.
  let figures: RequestFigures

  func handle(
    _ request: Request,
    context: APIContext,
    next: @concurrent (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    let clock = ContinuousClock()
    let start = clock.now
    figures.begin()
    let response: Response
    do {
      response = try await LogContext.$requestID.withValue(context.requestID) {
        try await next(request, context)
      }
    } catch {
      // Nothing throws through `Problems`; if something ever does, it is still counted.
      figures.end(route: nil, method: request.method, status: .internalServerError, after: .zero)
      throw error
    }
    let duration = clock.now - start
    // Without a route the router gives a name of its own.
    let route = context.endpointPath.flatMap { $0.hasPrefix("/") ? $0 : nil }
    if MessageFlaw(mark: request.head) == nil {
      figures.end(
        route: route,
        method: request.method,
        status: response.status,
        after: duration
      )
    } else {
      figures.endUnreadable(status: response.status, after: duration)
    }
    context.logger.info(
      "request",
      metadata: [
        "method": "\(request.method)",
        "path": "\(request.uri.path)",
        "route": "\(route ?? "none")",
        "status": "\(response.status.code)",
        "duration.ms": "\(duration.milliseconds)",
        "address": "\(context.address ?? "unknown")",
      ]
    )
    return response
  }
}
