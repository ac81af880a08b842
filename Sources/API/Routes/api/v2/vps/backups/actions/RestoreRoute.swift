import Hummingbird
import Model
import Operations

/// `POST /api/v2/vps/{id}/backups/{backupId}/actions/restore`: put a VPS's own backup back.
struct RestoreRoute: CallerRoute {
  static let method = HTTPRequest.Method.post
  static let path: RouterPath = "/api/v2/vps/{id}/backups/{backupId}/actions/restore"
  static let scope: Scope? = .backupVM
  static let documentation = RouteDocumentation(
    name: "restoreBackup",
    summary: "Restore backup",
    about: """
      Puts one of the VPS's own backups back onto it. It is destructive: what was written \
      since the backup is replaced. The VPS runs until its new disk is ready, and the former \
      disk is kept for a while, so that the restore can be undone.
      """,
    chapter: .restores,
    answer: .json(
      .accepted,
      "The restore is queued.",
      .component("Accepted"),
      example: Examples.accepted
    )
  )

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    let job = try await operations.restoreFromVPS(
      context.caller,
      RestoreRequest(
        target: context.identifier("id"),
        source: nil,
        backup: context.identifier("backupId")
      )
    )
    return try .json(AcceptedWire(job), status: .accepted)
  }
}
