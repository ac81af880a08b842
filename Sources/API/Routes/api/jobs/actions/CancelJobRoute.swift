import Hummingbird
import Model
import Operations

/// `POST /api/jobs/{jobId}/actions/cancel`: end a job before its swap.
struct CancelJobRoute: CallerRoute {
  static let method = HTTPRequest.Method.post
  static let path: RouterPath = "/api/jobs/{jobId}/actions/cancel"
  /// The scope of the job's own action, which only the use case knows.
  static let scope: Scope? = nil
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

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    let job = try await operations.cancelJob(context.caller, context.identifier("jobId"))
    return try .json(AcceptedWire(job), status: .accepted)
  }
}
