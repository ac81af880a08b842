import Hummingbird
import Model

/// What a route says of itself: the reference and the document for machines are made of it.
struct RouteDocumentation: Sendable {
  /// A chapter of the reference.
  enum Chapter: String, CaseIterable, Sendable {
    case vps = "VPSs"
    case power = "Power"
    case backups = "Backups"
    case restores = "Restores"
    case schedules = "Backup schedules"
    case jobs = "Jobs"
    case service = "The service itself"
  }

  /// A parameter of the query, or a header of the request.
  struct Parameter: Sendable {
    let name: String
    let schema: Schema

    /// How many items a page has at most.
    static let limit = Parameter(
      name: "limit",
      schema: .integer(
        "Items of the page.",
        from: 1,
        to: Limits.pageMaximum,
        standard: Limits.pageDefault
      )
    )
    /// How many items a page has at most, where a client that doesn't ask wants all.
    static let limitOfWhole = Parameter(
      name: "limit",
      schema: .integer(
        "Items of the page; without it, as many as \(Limits.wholeList).",
        from: 1,
        to: Limits.pageMaximum
      )
    )
    /// Where a page starts.
    static let cursor = Parameter(
      name: "cursor",
      schema: .text("The `nextCursor` of the page before.", pattern: "^[A-Za-z0-9_-]{1,128}$")
    )
  }

  /// A body that a request has.
  struct Body: Sendable {
    let schema: Schema
    let isRequired: Bool
    let example: JSON
  }

  /// What a good answer is good for: the operation that takes something of it.
  struct Link: Sendable {
    /// The operation's name.
    let operation: String
    /// The operation's parameters, each with an expression for where its value stands.
    let parameters: [(name: String, value: String)]
    /// The operation's body, with such expressions in it.
    var body: JSON?

    /// The operations on the first VPS of a list.
    static let ofFirstVPS = [
      "getVPS", "listBackups", "createBackup", "listRestoreSources",
    ].map { Link(operation: $0, parameters: [("id", "$response.body#/data/0/id")]) }

    /// What is done with a job that was begun.
    static let ofJob = ["getJob", "cancelJob", "undoJob"].map {
      Link(operation: $0, parameters: [("jobId", "$response.body#/operation/jobId")])
    }
  }

  /// A good answer.
  struct Answer: Sendable {
    let status: HTTPResponse.Status
    let summary: String
    let contentType: String
    let schema: Schema?
    let example: JSON?
    /// What headers it has that others don't.
    var headers: [Refusals.Header] = []

    /// An answer with a JSON body.
    static func json(
      _ status: HTTPResponse.Status,
      _ summary: String,
      _ schema: Schema,
      example: JSON
    ) -> Answer {
      Answer(
        status: status,
        summary: summary,
        contentType: "application/json",
        schema: schema,
        example: example
      )
    }

    /// An answer with nothing in it.
    static func empty(_ summary: String) -> Answer {
      Answer(status: .noContent, summary: summary, contentType: "", schema: nil, example: nil)
    }

    /// An answer that is a stream of server-sent events; the schema is that of each event.
    static func events(_ summary: String, names: [String], example: JSON) -> Answer {
      Answer(
        status: .ok,
        summary: summary,
        contentType: "text/event-stream",
        schema: .object(
          "One event.",
          [
            .always("id", .text("What to come back with in `Last-Event-ID`.")),
            .always("event", .words("Its name.", names)),
            .always("data", .text("JSON in one line.")),
          ]
        ),
        example: example,
        headers: [("X-Accel-Buffering", "AccelBuffering")]
      )
    }

    /// An answer with a text of another type.
    static func text(_ type: String, _ summary: String, example: String) -> Answer {
      Answer(
        status: .ok,
        summary: summary,
        contentType: type,
        schema: .text(summary),
        example: .string(example)
      )
    }
  }

  /// The stable name of the operation, for generated clients.
  let name: String
  /// One line.
  let summary: String
  /// What it does, and what a caller should know.
  let about: String
  let chapter: Chapter
  var query: [Parameter] = []
  /// The request's headers beyond those that all of its kind have.
  var headers: [Parameter] = []
  var body: Body?
  let answer: Answer
  /// A good answer of another status.
  var otherAnswer: Answer?
  var links: [Link] = []
  /// The refusals beyond those that follow from the route's kind.
  var refusals: Set<Int> = []
}
