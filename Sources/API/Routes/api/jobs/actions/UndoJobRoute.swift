import Hummingbird
import Model
import Operations

/// `POST /api/jobs/{jobId}/actions/undo`: take a completed restore back, in a job of its own.
struct UndoJobRoute: PostRoute {
  static let path: RouterPath = "/api/jobs/{jobId}/actions/undo"
  static let scope: Scope? = .backupVM
  static let documentation = RouteDocumentation(
    name: "undoJob",
    summary: "Take a restore back",
    about: """
      Of a completed restore, until its `undoUntil`: the VPS gets its former disk back, in a job of \
      its own. What was written since the restore is lost.
      """,
    chapter: .jobs,
    answer: .json(
      .accepted,
      "The undo is queued.",
      .component("Accepted"),
      example: Examples.accepted
    ),
    links: RouteDocumentation.Link.ofJob
  )

  let operations: Operations

  func change(
    _ body: NoFields?,
    _ context: CallerContext
  ) throws(Refusal) -> Change<Job> {
    try operations.undoRestore(context.caller, context.identifier("jobId"))
  }
}
