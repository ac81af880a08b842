import Hummingbird
import Model
import Operations

/// `POST /api/v2/vps/{id}/actions/reset`: press the reset button.
struct ResetRoute: CallerRoute {
  static let method = HTTPRequest.Method.post
  static let path: RouterPath = "/api/v2/vps/{id}/actions/reset"
  static let scope: Scope? = .powerVM
  static let documentation = RouteDocumentation(
    name: "resetVPS",
    summary: "Reset VPS",
    about: """
      Presses the reset button: what the guest had not written yet is lost. Refused as the \
      gate says; a data job in flight is no obstacle, except from a restore's stop to its \
      start.
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

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    let job = try await operations.changePower(
      context.caller,
      of: context.identifier("id"),
      PowerTask(action: .reset)
    )
    return try .json(AcceptedWire(job), status: .accepted)
  }
}
