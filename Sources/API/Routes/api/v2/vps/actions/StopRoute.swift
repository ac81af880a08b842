import Hummingbird
import Model
import Operations

/// `POST /api/v2/vps/{id}/actions/stop`: pull the plug.
struct StopRoute: PostRoute {
  static let path: RouterPath = "/api/v2/vps/{id}/actions/stop"
  static let scope: Scope? = .powerVM
  static let documentation = RouteDocumentation(
    name: "stopVPS",
    summary: "Stop VPS",
    about: """
      Pulls the plug: what the guest had not written yet is lost. Refused as the gate says; a \
      data job in flight is no obstacle, except from a restore's stop to its start.
      """,
    chapter: .power,
    answer: .json(
      .accepted,
      "The action is queued.",
      .component("Accepted"),
      example: Examples.accepted
    )
  )

  let operations: Operations

  func change(
    _ body: NoFields?,
    _ context: CallerContext
  ) throws(Refusal) -> Change<Job> {
    try operations.changePower(
      context.caller,
      of: context.identifier("id"),
      PowerTask(action: .stop)
    )
  }
}
