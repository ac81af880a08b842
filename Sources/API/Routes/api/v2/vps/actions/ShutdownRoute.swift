import Hummingbird
import Model
import Operations

/// `POST /api/v2/vps/{id}/actions/shutdown`: ask a guest to end.
struct ShutdownRoute: PostRoute {
  static let path: RouterPath = "/api/v2/vps/{id}/actions/shutdown"
  static let scope: Scope? = .powerVM
  static let documentation = RouteDocumentation(
    name: "shutdownVPS",
    summary: "Shut down VPS",
    about: """
      Asks the guest to shut down. One that does not obey is left running, and the job fails \
      with `shutdown_failed`. Refused as the gate says; a data job in flight is no obstacle, \
      except from a restore's stop to its start.
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
      PowerTask(action: .shutdown)
    )
  }
}
