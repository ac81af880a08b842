import Hummingbird
import Model
import Operations

/// `GET /api/v2/vps/{id}/backups`: a VPS's backups, its quota and its gates.
struct BackupListRoute: CallerRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/api/v2/vps/{id}/backups"
  static let scope: Scope? = .readVM

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await .json(
      BackupListWire(operations.backups(context.caller, of: context.identifier("id")))
    )
  }
}
