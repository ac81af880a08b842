import Hummingbird
import Model
import Operations

/// `POST /api/v2/vps/{id}/backups`: make a backup.
struct CreateBackupRoute: CallerRoute {
  static let method = HTTPRequest.Method.post
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
    )
  )

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
