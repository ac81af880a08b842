import Catalog
import Hummingbird
import Model
import Operations

/// Finds out who asks, before anything of what is asked is looked at.
struct Authentication: RouterMiddleware {
  typealias Context = APIContext

  /// Where keys are looked up.
  let operations: Operations
  /// Who has sent too many bad ones.
  let addressLimits: AddressLimits

  func handle(
    _ request: Request,
    context: APIContext,
    next: @concurrent (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    var context = context
    let key = Self.key(in: request.headers)
    context.catalogVersion = operations.catalog.version()
    try await addressLimits.refuse(key, context, operations)
    context.caller = try await operations.authenticate(
      key,
      asOf: context.catalogVersion,
      address: context.address,
      requestID: context.requestID
    )
    return try await next(request, context)
  }

  /// `Authorization` is believed before `X-API-Key`; twice the same header is neither.
  private static func key(in headers: HTTPFields) -> KeyText? {
    let authorizations = headers[values: .authorization]
    guard authorizations.isEmpty else {
      guard authorizations.count == 1 else { return nil }
      return bearer(authorizations[0]).flatMap { KeyText(String($0)) }
    }
    let keys = headers[values: .apiKey]
    return keys.count == 1 ? KeyText(keys[0]) : nil
  }

  private static func bearer(_ value: String) -> Substring? {
    let parts = value.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
    return parts[1].drop { $0 == " " }
  }
}
