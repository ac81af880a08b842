import Hummingbird
import Model
import Operations
import ServiceLifecycle

/// `GET /readyz`: everything that requests need is there; else which part isn't.
///
/// It tells what was seen last and waits for nothing.
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

  let readiness: Readiness

  func answer(_ request: Request, _ context: APIContext) async throws -> Response {
    var parts = readiness.problems.mapValues { $0 ?? "ok" }
    // Who balances load must send nothing more to a server that is ending.
    if Task.isShuttingDownGracefully { parts["server"] = "ending" }
    guard parts.values.allSatisfy({ $0 == "ok" }) else {
      throw DetailedRefusal(.serviceUnavailable(retryAfterSeconds: 5)) { [parts] in
        $0.parts = parts
      }
    }
    return try .json(ReadyWire(parts: parts))
  }
}
