import HTTPTypes
import Hummingbird
import Model

/// Refuses what the connection couldn't read as a request, so that this, too, is answered with a
/// problem, logged and counted like everything else.
struct ReadableRequests: RouterMiddleware {
  typealias Context = APIContext

  func handle(
    _ request: Request,
    context: APIContext,
    next: @concurrent (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    if let flaw = MessageFlaw(mark: request.head) { throw flaw.refusal }
    return try await next(request, context)
  }
}

extension MessageFlaw {
  /// Stands in the scheme, which HTTP/1 has no place for and the connection fills in itself.
  ///
  /// HTTP/2 has one, and clients write it: so it is a word of this process that nobody else knows.
  private static let prefix = "unreadable-\(UInt64.random(in: .min ... .max))-"

  /// The request that stands for one which couldn't be read.
  var mark: HTTPRequest {
    HTTPRequest(method: .get, scheme: Self.prefix + rawValue, authority: nil, path: "/")
  }

  /// What a request stands for; nil when it is one.
  init?(mark: HTTPRequest) {
    guard let scheme = mark.scheme, scheme.hasPrefix(Self.prefix) else { return nil }
    self.init(rawValue: String(scheme.dropFirst(Self.prefix.count)))
  }
}
