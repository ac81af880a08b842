import Hummingbird
import Model
import Operations

/// `GET /api/v2/vps/{id}/backups/restore-sources`: what may be put onto this VPS.
struct RestoreSourcesRoute: CallerRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/api/v2/vps/{id}/backups/restore-sources"
  static let scope: Scope? = .backupVM
  static let documentation = RouteDocumentation(
    name: "listRestoreSources",
    summary: "What can be put onto this VPS",
    about: """
      Your other VPSs that have backups, and what is left of terminated ones (`retained`), a page \
      at a time. Each backup tells whether it fits this target, and which disk would go where. A \
      page may have fewer sources than `limit`, and one with very many backups goes on, under the \
      same `id`, on the next: `hasMore` tells.
      """,
    chapter: .restores,
    query: [.limitOfWhole, .cursor],
    answer: .json(
      .ok,
      "A page of sources.",
      .component("RestoreSources"),
      example: ["sources": [Examples.restoreSource], "hasMore": false, "nextCursor": .null]
    ),
    links: [
      RouteDocumentation.Link(
        operation: "restoreFromVPS",
        parameters: [("id", "$request.path.id")],
        body: [
          "sourceVpsId": "$response.body#/sources/0/id",
          "backupId": "$response.body#/sources/0/backups/0/id",
        ]
      )
    ]
  )

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    var query = QueryFields(request.uri.query)
    let limit = query.limit(standard: Limits.wholeList)
    let cursor = query.text("cursor")
    try query.finish()
    let page = try await operations.restoreSources(
      context.caller,
      for: context.identifier("id"),
      cursor: cursor,
      limit: limit
    )
    return try .json(RestoreSourcesWire(page))
  }
}
