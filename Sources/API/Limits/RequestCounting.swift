import Hummingbird
import Logging
import Model

/// Counts a request and tells on its answer, whatever it is, where the caller stands after it.
struct RequestCounting: Sendable {
  /// Counts.
  let limiter: RateLimiter
  /// Answers what goes wrong, so that these answers have the headers, too.
  let answers: ProblemAnswers

  /// Answers a request, or throws that there were too many.
  func admit(
    _ request: Request,
    of counted: RateLimiter.Counted,
    _ requestID: Model.RequestID,
    _ logger: Logger,
    _ next: () async throws -> Response
  ) async throws -> Response {
    let standing = limiter.count(counted)
    if let problem = standing.problem { throw DetailedRefusal(problem) }
    var response: Response
    do {
      response = try await next()
    } catch {
      response = try answers.answer(error, to: request, requestID, logger)
    }
    // An answer that tells of a limit of its own keeps it.
    if response.headers[.rateLimit] == nil {
      response.headers.append(contentsOf: standing.headers)
    }
    return response
  }
}

extension RateStanding {
  /// What an answer tells of it.
  var headers: HTTPFields {
    [
      .rateLimit: String(limit), .rateLimitRemaining: String(max(0, remaining)),
      .rateLimitReset: reset.text,
    ]
  }

  /// What is answered instead when there were too many requests.
  var problem: Problem? {
    guard let retryAfterSeconds else { return nil }
    var problem = Problem(.rateLimited(retryAfterSeconds: retryAfterSeconds))
    problem.headers.append(contentsOf: headers)
    return problem
  }
}
