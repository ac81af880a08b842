import Hummingbird
import Model
import Operations

/// `POST /api/v2/vps/{id}/backups/{backupId}/actions/restore`: put a VPS's own backup back.
struct RestoreRoute: PostRoute {
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

  func change(
    _ body: NoFields?,
    _ context: CallerContext
  ) throws(Refusal) -> Change<Job> {
    try operations.restoreFromVPS(
      context.caller,
      RestoreRequest(
        target: context.identifier("id"),
        source: nil,
        backup: context.identifier("backupId")
      )
    )
  }
}
