import Hummingbird
import Model
import Operations

/// Counts by address what is asked without a valid key: failed authentications, paths that nobody
/// answers, and what isn't a request.
///
/// Whoever has a valid key is counted by it alone, so a neighbour behind the same address can't
/// lock him out. While an address has no request left, a key that comes from it is looked up only if
/// it isn't ruled out without the catalog (`Operations.mayOpen`): its failures cost no look-ups,
/// and a valid key passes.
struct AddressLimits: RouterMiddleware {
  typealias Context = APIContext

  /// Counts.
  let counting: RequestCounting

  func handle(
    _ request: Request,
    context: APIContext,
    next: @concurrent (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      guard Self.isAnonymous(error, request) else { throw error }
      return try await admit(request, context) { throw error }
    }
  }

  /// Answers a request that anybody may ask, or that there were too many.
  func admit(
    _ request: Request,
    _ context: APIContext,
    _ next: () async throws -> Response
  ) async throws -> Response {
    try await counting.admit(
      request,
      of: .address(AddressBlock(context.address)),
      context.requestID,
      context.logger,
      next
    )
  }

  /// Refuses a key from an address without a request left, unless it may be good.
  func refuse(_ key: KeyText?, _ context: APIContext, _ operations: Operations) async throws {
    let address = { RateLimiter.Counted.address(AddressBlock(context.address)) }
    guard let key, let standing = counting.limiter.refusal(of: address),
      let problem = standing.problem, await !operations.mayOpen(key)
    else { return }
    throw DetailedRefusal(problem)
  }

  private static func isAnonymous(_ error: any Error, _ request: Request) -> Bool {
    switch error {
    case is Refusal where MessageFlaw(mark: request.head) != nil: true
    case let refusal as Refusal: refusal == .unauthorized
    case let error as HTTPError: error.status == .notFound
    default: false
    }
  }
}
