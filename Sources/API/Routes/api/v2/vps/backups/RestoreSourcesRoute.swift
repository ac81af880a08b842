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
      Your other VPSs that have backups, and what is left of terminated ones (`retained`). Each \
      backup tells whether it fits this target, and which disk would go where.
      """,
    chapter: .restores,
    answer: .json(
      .ok,
      "The sources.",
      .component("RestoreSources"),
      example: ["sources": [Examples.restoreSource]]
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
    try await .json(
      RestoreSourcesWire(
        operations.restoreSources(context.caller, for: context.identifier("id"))
      )
    )
  }
}
