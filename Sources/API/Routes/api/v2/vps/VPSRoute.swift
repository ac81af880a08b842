import Hummingbird
import Model
import Operations

/// `GET /api/v2/vps/{id}`: one VPS with its gates.
struct VPSRoute: CallerRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/api/v2/vps/{id}"
  static let scope: Scope? = .readVM

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await .json(VPSWire(operations.vps(context.caller, context.identifier("id"))))
  }
}
