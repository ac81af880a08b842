import Model

/// The shapes of the API's bodies, by the names they have in the document.
enum Components {
  /// One of them.
  struct Component: Sendable {
    let name: String
    let schema: Schema

    init(_ name: String, _ schema: Schema) {
      self.name = name
      self.schema = schema
    }
  }

  /// All of them, in the order in which they are shown.
  static let all =
    vps + backups + restores + schedules + jobs + results + problems + service

  /// What an identifier in a path looks like, by its name there.
  static func pathParameter(_ name: String) -> Schema {
    switch name {
    case "id":
      .identifier("The VPS, as `GET /api/v2/vps` gives it in `data[].id`.", VPSKind.self)
    case "backupId":
      .identifier("The backup, as the VPS's list of backups gives it.", BackupKind.self)
    case "jobId":
      .identifier("The job, as the answer that began it gives it.", JobIDKind.self)
    case "scheduleId":
      .identifier("The schedule, as the VPS's list of schedules gives it.", ScheduleKind.self)
    case "code":
      .text("A code of a problem.", example: "vps_not_ready", pattern: "^[a-z_]{1,64}$")
    default: .text("Part of the path.")
    }
  }

  static let problems = [
    Component(
      "Problem",
      .object(
        "An RFC 7807 problem document.",
        [
          .always("type", .text("A page about the code.", format: "uri")),
          .always("title", .text("What kind of problem it is, in words.")),
          .always("status", .integer("The HTTP status.", from: 400, to: 599)),
          .always("detail", .text("What happened, in a sentence.")),
          .always("code", .words("The stable word to decide by.", problemCodes)),
          .always("instance", .text("The path that was asked for.")),
          .always("requestId", .identifier("The request.", RequestKind.self)),
          .always("timestamp", .moment("When it was answered.")),
          .maybe("errors", .list("Each fault of the request.", of: .component("Fault"))),
          .maybe("extensions", .component("ProblemExtensions")),
        ]
      )
    ),
    Component(
      "Fault",
      .object(
        "One fault of a request.",
        [
          .always(
            "pointer",
            .text(
              "Where, as a JSON pointer into the body; parameters and headers by their name.",
              example: "/backupId"
            )
          ),
          .always("detail", .text("What is wrong, in a sentence.")),
          .always("code", .words("The stable word.", of: FaultCode.self)),
        ]
      )
    ),
    Component(
      "ProblemExtensions",
      .object(
        "What is particular to a problem; only what applies is there.",
        [
          .maybe(
            "requiredScopes",
            .list("The scopes that the key lacks.", of: .words("A scope.", of: Scope.self))
          ),
          .maybe("reason", .words("What is in the way.", of: NotReadyReason.self)),
          .maybe("jobId", .identifier("The job that is in the way.", JobIDKind.self)),
          .maybe("limitBytes", .integer("The largest body, in bytes.", from: 0)),
          .maybe("used", .integer("How many there are.", from: 0)),
          .maybe("limit", .integer("How many there may be.", from: 0)),
          .maybe(
            "parts",
            .map("The server's parts: `ok`, or what is wrong.", of: .text("The part's state."))
          ),
        ]
      )
    ),
  ]

  static let service = [
    Component(
      "Health",
      .object("The process answers.", [.always("status", .words("Always ok.", ["ok"]))])
    ),
    Component(
      "Ready",
      .object(
        "Every part is ready.",
        [
          .always("status", .words("Always ok.", ["ok"])),
          .always("parts", .map("The server's parts.", of: .text("The part's state."))),
        ]
      )
    ),
  ]

  /// Every code that an answer's problem can have.
  private static let problemCodes = ErrorCode.allCases.filter { $0.status != nil }.map(\.rawValue)
}
