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
    about: """
      A VPS's backups, newest first, a page at a time, with its quota and its gates. Of terminated \
      ones, too.
      """,
    chapter: .backups,
    query: [.limitOfWhole, .cursor],
    answer: .json(
      .ok,
      "A page of backups.",
      .component("BackupList"),
      example: [
        "backups": [Examples.backup], "hasMore": false, "nextCursor": .null,
        "quotaInfo": ["used": 1, "limit": 7, "remaining": 6],
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
    var query = QueryFields(request.uri.query)
    let limit = query.limit(standard: Limits.wholeList)
    let cursor = query.text("cursor")
    try query.finish()
    let list = try await operations.backups(
      context.caller,
      of: context.identifier("id"),
      cursor: cursor,
      limit: limit
    )
    return try .json(BackupListWire(list))
  }
}
