import Hummingbird
import Model
import Operations

/// `POST /api/v2/vps/{id}/backups`: make a backup.
struct CreateBackupRoute: PostRoute {
  static let path: RouterPath = "/api/v2/vps/{id}/backups"
  static let scope: Scope? = .backupVM
  static let documentation = RouteDocumentation(
    name: "createBackup",
    summary: "Create VPS backup",
    about: "Of the running VPS, without stopping it. Refused by quota as `canCreateBackup` says.",
    chapter: .backups,
    body: RouteDocumentation.Body(
      schema: .component("CreateBackup"),
      isRequired: false,
      example: ["note": "before the update"]
    ),
    answer: .json(
      .accepted,
      "The backup is queued.",
      .component("Accepted"),
      example: Examples.accepted
    ),
    links: RouteDocumentation.Link.ofJob
  )

  let operations: Operations

  func change(
    _ body: CreateBackupBody?,
    _ context: CallerContext
  ) throws(Refusal) -> Change<Job> {
    try operations.createBackup(
      context.caller,
      of: context.identifier("id"),
      note: body?.note
    )
  }
}
