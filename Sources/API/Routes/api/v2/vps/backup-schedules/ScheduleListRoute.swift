import Hummingbird
import Model
import Operations

/// `GET /api/v2/vps/{id}/backup-schedules`: a VPS's schedules.
struct ScheduleListRoute: CallerRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/api/v2/vps/{id}/backup-schedules"
  static let scope: Scope? = .readVM
  static let documentation = RouteDocumentation(
    name: "listBackupSchedules",
    summary: "List backup schedules",
    about: """
      With what came of their last turns.
      """,
    chapter: .schedules,
    answer: .json(
      .ok,
      "The schedules.",
      .component("ScheduleList"),
      example: ["schedules": [Examples.schedule]]
    )
  )

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await .json(
      ScheduleListWire(operations.schedules(context.caller, of: context.identifier("id")))
    )
  }
}
