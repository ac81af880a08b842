import Hummingbird
import Model
import Operations

/// `DELETE /api/v2/vps/{id}/backup-schedules/{scheduleId}`: end a schedule; its backups stay.
struct DeleteScheduleRoute: CallerRoute {
  static let method = HTTPRequest.Method.delete
  static let path: RouterPath = "/api/v2/vps/{id}/backup-schedules/{scheduleId}"
  static let scope: Scope? = .writeVM
  static let documentation = RouteDocumentation(
    name: "deleteBackupSchedule",
    summary: "Delete backup schedule",
    about: """
      Its backups stay until you delete them.
      """,
    chapter: .schedules,
    answer: .empty("It is removed.")
  )

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await operations.removeSchedule(
      context.caller,
      context.identifier("scheduleId"),
      of: context.identifier("id")
    )
    return Response(status: .noContent)
  }
}
