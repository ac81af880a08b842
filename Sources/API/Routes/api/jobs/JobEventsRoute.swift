import Hummingbird
import Model
import Operations
import ServiceLifecycle

/// `GET /api/jobs/{jobId}/events`: the operation of the poll, told as it changes until it ends.
struct JobEventsRoute: CallerRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/api/jobs/{jobId}/events"
  static let scope: Scope? = nil
  static let documentation = RouteDocumentation(
    name: "followJob",
    summary: "A job's events as they come",
    about: """
      Server-sent events, each with the `operation` of the poll as its data: one at once, then \
      `progress` at most once a second, at last `completed` or `failed`, after which the stream \
      ends. It also ends when the server does or the key is revoked: ask again. A client that comes \
      back with `Last-Event-ID: end` has heard everything and gets 204.
      """,
    chapter: .jobs,
    headers: [
      RouteDocumentation.Parameter(
        name: "Last-Event-ID",
        // Whatever a header can hold: browsers send what they have heard, also nothing.
        schema: .text(
          "The id of the last event that was heard; what is none is passed over.",
          pattern: #"^[\t -~\u0080-\u00FF]*$"#
        )
      )
    ],
    answer: .events(
      "Events, each with its id, its name and a line of data.",
      names: ["progress", "completed", "failed"],
      example: ["id": "end", "event": "completed", "data": "{\"status\":\"completed\"}"]
    ),
    otherAnswer: .empty("`Last-Event-ID` was `end`: everything has been heard.")
  )

  let operations: Operations
  let events: JobEvents
  let text: EventText
  let clock: any WallClock

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    let job = try await operations.job(context.caller, context.identifier("jobId"))
    // Browsers come back by themselves when a stream ends; this tells them not to.
    if job.state.isFinal, request.headers[.lastEventID] == EventText.lastID {
      return Response(status: .noContent)
    }
    let seat = try sit(watching: job, context)
    return Response(
      status: .ok,
      headers: [
        .contentType: "text/event-stream", .cacheControl: "no-store",
        // Proxies that collect answers would keep events back.
        .accelBuffering: "no",
      ],
      body: ResponseBody { [text] writer in
        try await withGracefulShutdownHandler {
          try await writer.write(ByteBuffer(string: EventText.opening))
          for await event in seat.events {
            try await writer.write(ByteBuffer(string: text.of(event)))
          }
        } onGracefulShutdown: {
          seat.end()
        }
        try await writer.finish(nil)
      }
    )
  }

  private func sit(watching job: Job, _ context: CallerContext) throws -> EventSeat {
    let connection = context.connection
    do {
      return try events.sit(watching: job, keyID: context.caller.keyID) { connection.close() }
    } catch {
      guard let problem = error.standing(at: clock.now()).problem else { throw error }
      throw DetailedRefusal(problem)
    }
  }
}
