import Hummingbird
import Model
import Operations

/// `GET /api/v2/vps/{id}/backups`: a VPS's backups, its quota and its gates.
struct BackupListRoute: CallerRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/api/v2/vps/{id}/backups"
  static let scope: Scope? = .readVM
  static let documentation = RouteDocumentation(
    name: "listBackups",
    summary: "List VPS backups",
    about: "A VPS's backups, newest first, with its quota and its gates. Of terminated ones, too.",
    chapter: .backups,
    answer: .json(
      .ok,
      "The backups.",
      .component("BackupList"),
      example: [
        "backups": [Examples.backup], "quotaInfo": ["used": 1, "limit": 7, "remaining": 6],
        "actions": Examples.gates,
      ]
    ),
    links: [
      RouteDocumentation.Link(
        operation: "deleteBackup",
        parameters: [("id", "$request.path.id"), ("backupId", "$response.body#/backups/0/id")]
      )
    ]
  )

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await .json(
      BackupListWire(operations.backups(context.caller, of: context.identifier("id")))
    )
  }
}
