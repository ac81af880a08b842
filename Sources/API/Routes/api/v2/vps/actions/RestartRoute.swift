import Hummingbird
import Model
import Operations

/// `POST /api/v2/vps/{id}/actions/restart`: ask a guest to end, then boot it.
struct RestartRoute: PostRoute {
  static let path: RouterPath = "/api/v2/vps/{id}/actions/restart"
  static let scope: Scope? = .powerVM
  static let documentation = RouteDocumentation(
    name: "restartVPS",
    summary: "Restart VPS",
    about: """
      Asks the guest to shut down, then boots it. With `force` the plug of a guest that does \
      not obey is pulled. Refused as the gate says; a data job in flight is no obstacle, \
      except from a restore's stop to its start.
      """,
    chapter: .power,
    body: RouteDocumentation.Body(
      schema: .component("Restart"),
      isRequired: false,
      example: ["force": true]
    ),
    answer: .json(
      .accepted,
      "The action is queued.",
      .component("Accepted"),
      example: Examples.accepted
    )
  )

  let operations: Operations

  func change(
    _ body: RestartBody?,
    _ context: CallerContext
  ) throws(Refusal) -> Change<Job> {
    try operations.changePower(
      context.caller,
      of: context.identifier("id"),
      PowerTask(action: .restart, isForced: body?.force ?? false)
    )
  }
}
