import Hummingbird
import Model
import Operations

/// `PATCH /api/v2/vps/{id}/backup-schedules/{scheduleId}`: change a schedule.
struct EditScheduleRoute: CallerRoute {
  static let method = HTTPRequest.Method.patch
  static let path: RouterPath = "/api/v2/vps/{id}/backup-schedules/{scheduleId}"
  static let scope: Scope? = .writeVM
  static let documentation = RouteDocumentation(
    name: "editBackupSchedule",
    summary: "Change backup schedule",
    about: """
      What is not there stays as it is. A new time, or being enabled again, begins with the \
      next regular turn.
      """,
    chapter: .schedules,
    body: RouteDocumentation.Body(
      schema: .component("EditSchedule"),
      isRequired: true,
      example: ["retentionCount": 4, "enabled": true]
    ),
    answer: .json(
      .ok,
      "The schedule as it is now.",
      .component("Schedule"),
      example: Examples.schedule
    )
  )

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    let body = try await request.body(EditScheduleBody.self)
    let changed = try await operations.editSchedule(
      context.caller,
      context.identifier("scheduleId"),
      of: context.identifier("id"),
      ScheduleChanges(
        name: body.name,
        frequency: body.frequency,
        hour: body.hour,
        dayOfWeek: body.dayOfWeek,
        dayOfMonth: body.dayOfMonth,
        retentionCount: body.retentionCount,
        isEnabled: body.enabled
      )
    )
    return try .json(ScheduleWire(changed))
  }
}
