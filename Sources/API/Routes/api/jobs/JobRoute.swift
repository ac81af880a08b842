import Hummingbird
import Model
import Operations

/// `GET /api/jobs/{jobId}`: how an operation stands.
struct JobRoute: CallerRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/api/jobs/{jobId}"
  static let scope: Scope? = nil
  static let documentation = RouteDocumentation(
    name: "getJob",
    summary: "How a job stands",
    about: """
      Any key of the job's owner will do. `operation` is what v2 clients poll, `data` the older \
      wrapper from the same values. `operation.result` appears when the job has ended.
      """,
    chapter: .jobs,
    answer: .json(.ok, "How it stands.", .component("Job"), example: Examples.job)
  )

  let operations: Operations
  let clock: any WallClock
  let typeBase: String

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    let job = try await operations.job(context.caller, context.identifier("jobId"))
    return try .json(
      JobWire(job, requestID: context.requestID, now: clock.now(), typeBase: typeBase)
    )
  }
}
