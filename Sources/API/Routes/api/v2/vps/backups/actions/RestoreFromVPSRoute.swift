import Hummingbird
import Model
import Operations

/// `POST /api/v2/vps/{id}/backups/actions/restore-from-vps`: put another VPS's backup onto this.
struct RestoreFromVPSRoute: PostRoute {
  static let path: RouterPath = "/api/v2/vps/{id}/backups/actions/restore-from-vps"
  static let scope: Scope? = .backupVM
  static let documentation = RouteDocumentation(
    name: "restoreFromVPS",
    summary: "Restore backup from another VPS",
    about: """
      Restore the target VPS from a backup that belongs to another VPS, or to a retained terminated \
      one, of the same client. This is destructive for the target: it is stopped, its disks are \
      replaced, and its own network configuration is re-applied. Get `sourceVpsId` and `backupId` \
      from restore-sources, and check `actions.canRestoreFromAnotherVps` first.
      """,
    chapter: .restores,
    body: RouteDocumentation.Body(
      schema: .component("RestoreFromVPS"),
      isRequired: true,
      example: [
        "sourceVpsId": "vps_01j0b3c4d5e6f7g8h9j0k1m2n3",
        "backupId": "bkp_01hxa3b4c5d6e7f8g9h0j1k2m3",
      ]
    ),
    answer: .json(
      .accepted,
      "Cross-VPS restore operation queued.",
      .component("Accepted"),
      example: Examples.accepted
    ),
    links: RouteDocumentation.Link.ofJob
  )

  let operations: Operations

  func change(
    _ body: RestoreFromVPSBody,
    _ context: CallerContext
  ) throws(Refusal) -> Change<Job> {
    try operations.restoreFromVPS(
      context.caller,
      RestoreRequest(
        target: context.identifier("id"),
        source: body.sourceVPSID,
        backup: body.backupID
      )
    )
  }
}
