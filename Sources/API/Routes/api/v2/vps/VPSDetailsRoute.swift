import Hummingbird
import Model
import Operations

/// `GET /api/v2/vps/{id}/details`: one VPS with everything that is kept of it.
struct VPSDetailsRoute: CallerRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/api/v2/vps/{id}/details"
  static let scope: Scope? = .readVM
  static let documentation = RouteDocumentation(
    name: "getVPSDetails",
    summary: "A VPS in full",
    about: """
      The VPS with its host name, its age and the network that is re-applied after each \
      restore.
      """,
    chapter: .vps,
    answer: .json(.ok, "The VPS.", .component("VPSDetails"), example: Examples.vpsDetails)
  )

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await .json(VPSDetailsWire(operations.vps(context.caller, context.identifier("id"))))
  }
}
