import Hummingbird
import Model
import Operations

/// `POST /api/jobs/{jobId}/actions/cancel`: end a job before its swap.
struct CancelJobRoute: PostRoute {
  static let path: RouterPath = "/api/jobs/{jobId}/actions/cancel"
  /// The scope of the job's own action, which only the use case knows.
  static let scope: Scope? = nil
  static let eligible: Set<Scope> = [.backupVM, .powerVM]
  static let documentation = RouteDocumentation(
    name: "cancelJob",
    summary: "End a job",
    about: """
      Until a restore's exchange begins; the VPS is left as it was. The job ends `failed` with the \
      code `job_cancelled`. Needs the scope of the job's own action.
      """,
    chapter: .jobs,
    answer: .json(.accepted, "It will end.", .component("Accepted"), example: Examples.accepted)
  )

  let operations: Operations

  func change(
    _ body: NoFields?,
    _ context: CallerContext
  ) throws(Refusal) -> Change<Job> {
    operations.cancelJob(context.caller, context.identifier("jobId"))
  }
}
