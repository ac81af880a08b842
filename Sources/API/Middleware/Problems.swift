import Hummingbird
import Logging
import Model

/// Turns everything that goes wrong below it into a problem document.
struct Problems: RouterMiddleware {
  typealias Context = APIContext

  /// The time that a problem tells.
  let clock: any WallClock
  /// What stands before a problem's code in its type.
  let typeBase: String
  /// Tells a wrong method from a wrong path.
  let allowedMethods: AllowedMethods

  func handle(
    _ request: Request,
    context: APIContext,
    next: @concurrent (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      return try answer(problem(for: error, request, context), to: request, context)
    }
  }

  private func problem(
    for error: any Error,
    _ request: Request,
    _ context: APIContext
  ) -> Problem {
    switch error {
    case let refusal as Refusal:
      return Problem(refusal)
    case let refusal as DetailedRefusal:
      return refusal.problem
    case let error as HTTPError where error.status == .notFound:
      let methods = allowedMethods.of(request.uri.path)
      return Problem(methods.isEmpty ? .notFound : .methodNotAllowed(allow: methods))
    case is CancellationError:
      return Problem(.serviceUnavailable(retryAfterSeconds: 1))
    default:
      context.logger.error(
        "request failed unexpectedly",
        metadata: ["error": "\(String(reflecting: error))", "path": "\(request.uri.path)"]
      )
      return Problem(.internalError)
    }
  }

  private func answer(
    _ problem: Problem,
    to request: Request,
    _ context: APIContext
  ) throws -> Response {
    let document = problem.document(
      instance: request.uri.path,
      requestID: context.requestID,
      now: clock.now(),
      typeBase: typeBase
    )
    var response = try Response.json(
      document,
      status: problem.status,
      contentType: "application/problem+json"
    )
    response.headers.append(contentsOf: problem.headers)
    // A path that no GET answers is refused here, so nobody else takes the body off.
    return request.method == .head ? response.createHeadResponse() : response
  }
}
