import Hummingbird

/// `GET /healthz`: the process is there and answers.
struct HealthRoute: OpenRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/healthz"
  static let documentation = RouteDocumentation(
    name: "getHealth",
    summary: "Is it alive",
    about: "The process is there and answers; nothing else is asked.",
    chapter: .service,
    answer: .json(.ok, "It is.", .component("Health"), example: ["status": "ok"])
  )
  static let isCounted = false

  func answer(_ request: Request, _ context: APIContext) async throws -> Response {
    try .json(HealthWire())
  }
}
