import Hummingbird
import Model
import Operations

/// `POST /api/v2/vps/{id}/backups`: make a backup.
struct CreateBackupRoute: CallerRoute {
  static let method = HTTPRequest.Method.post
  static let path: RouterPath = "/api/v2/vps/{id}/backups"
  static let scope: Scope? = .backupVM

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    let body = try await request.optionalBody(CreateBackupBody.self)
    let job = try await operations.createBackup(
      context.caller,
      of: context.identifier("id"),
      note: body?.note
    )
    return try .json(AcceptedWire(job), status: .accepted)
  }
}
