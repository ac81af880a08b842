import Catalog
import Hummingbird
import Model
import Operations

/// `POST /api/v2/vps/{id}/backup-schedules`: have backups made by themselves.
struct CreateScheduleRoute: PostRoute {
  static let path: RouterPath = "/api/v2/vps/{id}/backup-schedules"
  static let scope: Scope? = .writeVM
  static let documentation = RouteDocumentation(
    name: "createBackupSchedule",
    summary: "Create backup schedule",
    about: """
      Has backups made at an hour in UTC and keeps the newest complete ones. A turn that meets \
      a closed gate is tried again for an hour; one that was missed is taken late and once.
      """,
    chapter: .schedules,
    body: RouteDocumentation.Body(
      schema: .component("CreateSchedule"),
      isRequired: true,
      example: ["frequency": "weekly", "hour": 3, "dayOfWeek": 0, "retentionCount": 4]
    ),
    answer: .json(
      .created,
      "The schedule.",
      .component("Schedule"),
      example: Examples.schedule
    )
  )

  let operations: Operations

  func change(
    _ body: CreateScheduleBody,
    _ context: CallerContext
  ) throws(Refusal) -> Change<ScheduleView> {
    try operations.addSchedule(
      context.caller,
      of: context.identifier("id"),
      ScheduleRequest(
        name: body.name,
        timing: ScheduleTiming(
          frequency: body.frequency,
          hour: body.hour,
          dayOfWeek: body.dayOfWeek,
          dayOfMonth: body.dayOfMonth
        ),
        retentionCount: body.retentionCount,
        isEnabled: body.enabled
      )
    )
  }

  static func answer(_ accepted: ScheduleView) throws -> KeptAnswer {
    try .json(ScheduleWire(accepted), status: .created)
  }
}
