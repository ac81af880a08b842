import Hummingbird

/// `GET /healthz`: the process is there and answers.
struct HealthRoute: OpenRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/healthz"

  func answer(_ request: Request, _ context: APIContext) async throws -> Response {
    try .json(HealthWire())
  }
}
