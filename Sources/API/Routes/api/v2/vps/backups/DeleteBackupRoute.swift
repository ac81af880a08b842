import Hummingbird
import Model
import Operations

/// `DELETE /api/v2/vps/{id}/backups/{backupId}`: let go of a backup.
struct DeleteBackupRoute: CallerRoute {
  static let method = HTTPRequest.Method.delete
  static let path: RouterPath = "/api/v2/vps/{id}/backups/{backupId}"
  static let scope: Scope? = .backupVM
  static let documentation = RouteDocumentation(
    name: "deleteBackup",
    summary: "Delete VPS backup",
    about: "For good. 409 `backup_in_use` while a restore reads it.",
    chapter: .backups,
    answer: .empty("It is gone."),
    refusals: [409]
  )

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
