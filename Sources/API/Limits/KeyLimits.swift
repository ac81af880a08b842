import Hummingbird
import Model
import Operations

/// Counts requests by key, before the scope is looked at.
struct KeyLimits: Sendable {
  /// Counts.
  let counting: RequestCounting

  /// Answers a request, or that there were too many.
  func admit(
    _ request: Request,
    _ context: CallerContext,
    as kind: RateClass,
    _ next: () async throws -> Response
  ) async throws -> Response {
    guard case .key(let key, _, _) = context.caller.identity else { return try await next() }
    return try await counting.admit(
      request,
      of: .key(key, kind),
      context.requestID,
      context.logger,
      next
    )
  }
}

extension CallerRoute {
  /// Which limit a route counts against.
  static var rateClass: RateClass {
    if scope == .powerVM { return .power }
    return method == .get || method == .head ? .read : .write
  }
}
