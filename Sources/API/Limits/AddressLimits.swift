import Hummingbird
import Model

/// Counts by address what is asked without a valid key: failed authentications and paths that
/// nobody answers.
///
/// Whoever has a valid key is counted by it alone, so a neighbour behind the same address can't
/// lock him out.
struct AddressLimits: RouterMiddleware {
  typealias Context = APIContext

  /// Counts.
  let limiter: RateLimiter

  func handle(
    _ request: Request,
    context: APIContext,
    next: @concurrent (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      if Self.isAnonymous(error) { try count(context) }
      throw error
    }
  }

  /// Counts a request that anybody may ask.
  func count(_ context: APIContext) throws(DetailedRefusal) {
    let standing = limiter.count(.address(AddressBlock(context.address)))
    if let problem = standing.problem { throw DetailedRefusal(problem) }
  }

  private static func isAnonymous(_ error: any Error) -> Bool {
    switch error {
    case let refusal as Refusal: refusal == .unauthorized
    case let error as HTTPError: error.status == .notFound
    default: false
    }
  }
}
