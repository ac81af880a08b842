import Hummingbird
import Model
import Operations

/// `GET /api/v2/vps/{id}/status`: what a VPS does and uses now.
struct VPSStatusRoute: CallerRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/api/v2/vps/{id}/status"
  static let scope: Scope? = .readVM
  static let documentation = RouteDocumentation(
    name: "getVPSStatus",
    summary: "What a VPS does now",
    about: """
      Asked of the hypervisor while you wait, for two seconds at most. Where that is not \
      possible it is what was seen last: `live` and `observedAt` tell which.
      """,
    chapter: .vps,
    answer: .json(.ok, "The status.", .component("VPSStatus"), example: Examples.vpsStatus)
  )

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await .json(VPSStatusWire(operations.status(context.caller, of: context.identifier("id"))))
  }
}
