import Hummingbird
import Model
import Operations

/// `GET /api/v2/vps/{id}`: one VPS with its gates.
struct VPSRoute: CallerRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/api/v2/vps/{id}"
  static let scope: Scope? = .readVM
  static let documentation = RouteDocumentation(
    name: "getVPS",
    summary: "One VPS",
    about: "With its gates: what may be done to it now, and if not, why. Terminated ones, too.",
    chapter: .vps,
    answer: .json(.ok, "The VPS.", .component("VPS"), example: Examples.vps)
  )

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await .json(VPSWire(operations.vps(context.caller, context.identifier("id"))))
  }
}
