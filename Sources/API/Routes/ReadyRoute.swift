import Hummingbird
import Model
import Operations

/// `GET /readyz`: everything that requests need is there; else which part isn't.
struct ReadyRoute: OpenRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/readyz"
  static let documentation = RouteDocumentation(
    name: "getReadiness",
    summary: "Is it ready",
    about: "Everything that requests need is there; else 503 tells which part isn't.",
    chapter: .service,
    answer: .json(
      .ok,
      "Every part is ready.",
      .component("Ready"),
      example: ["status": "ok", "parts": ["catalog": "ok", "worker": "ok"]]
    )
  )
  static let isCounted = false

  let operations: Operations

  func answer(_ request: Request, _ context: APIContext) async throws -> Response {
    let problems = await operations.ready()
    let parts = problems.mapValues { $0 ?? "ok" }
    guard problems.values.allSatisfy({ $0 == nil }) else {
      throw DetailedRefusal(.serviceUnavailable(retryAfterSeconds: 5)) { $0.parts = parts }
    }
    return try .json(ReadyWire(parts: parts))
  }
}
