import Hummingbird
import Model
import Operations

/// `POST /api/v2/vps/{id}/actions/start`: boot a VPS that is off.
struct StartRoute: PostRoute {
  static let path: RouterPath = "/api/v2/vps/{id}/actions/start"
  static let scope: Scope? = .powerVM
  static let documentation = RouteDocumentation(
    name: "startVPS",
    summary: "Start VPS",
    about: """
      Boots it. A saved memory image is never thrown away: the start is refused then. Refused \
      as the gate says; a data job in flight is no obstacle, except from a restore's stop to \
      its start.
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
      PowerTask(action: .start)
    )
  }
}
