import Hummingbird
import Model
import Operations

/// `GET /api/v2/vps/{id}/backups/restore-sources`: what may be put onto this VPS.
struct RestoreSourcesRoute: CallerRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/api/v2/vps/{id}/backups/restore-sources"
  static let scope: Scope? = .backupVM

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await .json(
      RestoreSourcesWire(
        operations.restoreSources(context.caller, for: context.identifier("id"))
      )
    )
  }
}
