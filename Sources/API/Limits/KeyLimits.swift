import Hummingbird
import Model
import Operations

/// Counts requests by key, before the scope is looked at, and tells every caller on every answer
/// where it stands.
struct KeyLimits: Sendable {
  /// Counts.
  let limiter: RateLimiter
  /// Answers what goes wrong, so that these answers have the headers, too.
  let answers: ProblemAnswers

  /// Answers a request, or that there were too many.
  func admit(
    _ request: Request,
    _ context: CallerContext,
    as kind: RateClass,
    _ next: () async throws -> Response
  ) async throws -> Response {
    guard case .key(let key, _, _) = context.caller.identity else { return try await next() }
    let standing = limiter.count(.key(key, kind))
    if let problem = standing.problem { throw DetailedRefusal(problem) }
    var response: Response
    do {
      response = try await next()
    } catch {
      response = try answers.answer(error, to: request, context.requestID, context.logger)
    }
    response.headers.append(contentsOf: standing.headers)
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

extension CallerRoute {
  /// Which limit a route counts against.
  static var rateClass: RateClass {
    if scope == .powerVM { return .power }
    return method == .get || method == .head ? .read : .write
  }
}
