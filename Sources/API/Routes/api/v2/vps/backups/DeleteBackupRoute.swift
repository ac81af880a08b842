import Hummingbird
import Model
import Operations

/// `DELETE /api/v2/vps/{id}/backups/{backupId}`: let go of a backup.
struct DeleteBackupRoute: CallerRoute {
  static let method = HTTPRequest.Method.delete
  static let path: RouterPath = "/api/v2/vps/{id}/backups/{backupId}"
  static let scope: Scope? = .backupVM

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await operations.deleteBackup(
      context.caller,
      context.identifier("backupId"),
      of: context.identifier("id")
    )
    return Response(status: .noContent)
  }
}
