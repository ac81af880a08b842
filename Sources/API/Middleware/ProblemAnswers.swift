import Hummingbird
import Logging
import Model

/// Makes the answer to whatever went wrong; the one place where an error becomes a response.
struct ProblemAnswers: Sendable {
  /// The time that a problem tells.
  let clock: any WallClock
  /// What stands before a problem's code in its type.
  let typeBase: String
  /// Tells a wrong method from a wrong path.
  let allowedMethods: AllowedMethods

  /// Answers an error.
  func answer(
    _ error: any Error,
    to request: Request,
    _ requestID: Model.RequestID,
    _ logger: Logger
  ) throws -> Response {
    let problem = problem(for: error, request, logger)
    let document = problem.document(
      instance: request.uri.path,
      requestID: requestID,
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

  private func problem(for error: any Error, _ request: Request, _ logger: Logger) -> Problem {
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
      logger.error(
        "request failed unexpectedly",
        metadata: ["error": "\(String(reflecting: error))", "path": "\(request.uri.path)"]
      )
      return Problem(.internalError)
    }
  }
}
