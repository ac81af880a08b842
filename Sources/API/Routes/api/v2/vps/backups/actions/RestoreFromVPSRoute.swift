import Hummingbird
import Model
import Operations

/// `POST /api/v2/vps/{id}/backups/actions/restore-from-vps`: put another VPS's backup onto this.
struct RestoreFromVPSRoute: CallerRoute {
  static let method = HTTPRequest.Method.post
  static let path: RouterPath = "/api/v2/vps/{id}/backups/actions/restore-from-vps"
  static let scope: Scope? = .backupVM

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    let body = try await request.body(RestoreFromVPSBody.self)
    let job = try await operations.restoreFromVPS(
      context.caller,
      RestoreRequest(
        target: context.identifier("id"),
        source: body.sourceVPSID,
        backup: body.backupID
      )
    )
    return try .json(AcceptedWire(job), status: .accepted)
  }
}
