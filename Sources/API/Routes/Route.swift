import Hummingbird
import Model

/// One method of one path, declared beside what it does; the folders here are the URL's.
protocol Route: Sendable {
  /// The method it answers.
  static var method: HTTPRequest.Method { get }
  /// The path it answers, with identifiers in braces.
  static var path: RouterPath { get }
  /// What it says of itself to people and to machines.
  static var documentation: RouteDocumentation { get }
  /// Whether asking counts against a limit of the caller's; what watches over the server is never
  /// turned away.
  static var isCounted: Bool { get }
}

extension Route {
  static var isCounted: Bool { true }
}

/// A route that anybody may ask.
protocol OpenRoute: Route {
  /// Answers.
  func answer(_ request: Request, _ context: APIContext) async throws -> Response
}

/// A route that needs a key.
protocol CallerRoute: Route {
  /// What the key must allow; nil: any key will do, or the use case asks for more itself.
  static var scope: Scope? { get }
  /// Where the use case asks for more itself, the scopes of which a key needs at least one to get as
  /// far as that; empty: none.
  static var eligible: Set<Scope> { get }
  /// Answers a caller who has the scope.
  func answer(_ request: Request, _ context: CallerContext) async throws -> Response
}

extension CallerRoute {
  static var eligible: Set<Scope> { [] }
}

extension CallerContext {
  /// An identifier of the path as it was sent; use cases find out whether it is one.
  func identifier(_ name: String) -> String { parameters.get(name) ?? "" }
}
