import Model

extension Components {
  static let jobs = [
    Component(
      "Accepted",
      .object(
        "A job was begun.",
        [.always("operation", .component("AcceptedOperation"))]
      )
    ),
    Component(
      "AcceptedOperation",
      .object(
        "What to follow.",
        [
          .always("status", operationStatus),
          .always("jobId", .identifier("The job.", JobIDKind.self)),
          .always("pollUrl", .text("Where to ask how it stands.", format: "uri-reference")),
        ]
      )
    ),
    Component(
      "Job",
      .object(
        "How a job stands: the operation, and the older wrapper from the same values.",
        [
          .always("operation", .component("JobOperation")),
          .always("success", .truth("Always true: the question was answered.")),
          .always("timestamp", .moment("When it was answered.")),
          .always("requestId", .identifier("The request.", RequestKind.self)),
          .always("data", .component("JobData")),
        ]
      )
    ),
    Component("JobOperation", .object("The operation.", operationFields)),
    Component(
      "Progress",
      .object(
        "How far it has come.",
        [
          .always("percent", .integer("Of the whole job; it never goes back.", from: 0, to: 100)),
          .always("step", .text("The step it is in.", example: "stage")),
          .always("bytesDone", .integer("Bytes of this step that are done.", from: 0)),
          .always("bytesTotal", .integer("Bytes of this step in all; 0: it has none.", from: 0)),
          .always("bytesPerSecond", .integer("Bytes a second, lately.", from: 0)),
          .always("message", .text("A sentence for people.")),
        ]
      )
    ),
    Component(
      "JobError",
      .object(
        "A failed job's last word: a problem without a request.",
        [
          .always("type", .text("A page about the code.", format: "uri")),
          .always("title", .text("What kind of failure it is, in words.")),
          .always("detail", .text("What happened, in sentences.")),
          .always("code", .words("The stable word.", of: JobFailureCode.self)),
          .always("extensions", .component("JobErrorExtensions")),
        ]
      )
    ),
    Component(
      "JobErrorExtensions",
      .object(
        "What a problem has no field of its own for.",
        [.always("left", .words("In which state the VPS is now.", leftStates))]
      )
    ),
    Component("JobData", .object("The older wrapper's view.", dataFields)),
    Component(
      "JobProgressDetails",
      .object(
        "How far it has come, counted in bytes of the current step.",
        [
          .always("percentage", .integer("Of the whole job.", from: 0, to: 100)),
          .always("message", .text("A sentence for people.")),
          .always("current", .integer("Bytes done.", from: 0)),
          .always("total", .integer("Bytes in all.", from: 0)),
        ]
      )
    ),
  ]

  static let operationStatus = Schema.words(
    "`queued`: no worker has it yet; `pending`: it waits to be tried again.",
    ["pending", "queued", "in_progress", "completed", "failed"]
  )

  private static let leftStates = [
    "untouched", "rolled_back", "rolled_back_not_running", "new_disk_not_running",
    "new_disk_running", "needs_operator", "not_running",
  ]

  private static let operationFields: [Schema.Field] = [
    .always("status", operationStatus),
    .always("jobId", .identifier("The job.", JobIDKind.self)),
    .always("pollUrl", .text("Where to ask again.", format: "uri-reference")),
    .maybe("result", Schema.component("JobResult").orNull),
    .maybe("error", .component("JobError")),
    .always("progress", .component("Progress")),
    .always("createdAt", .moment("When it was accepted.")),
    .always("startedAt", .moment("When a worker first took it up.").orNull),
    .always("finishedAt", .moment("When it ended.").orNull),
  ]

  private static let dataFields: [Schema.Field] = [
    .always("jobId", .identifier("The job.", JobIDKind.self)),
    .always("type", .words("What it does.", of: JobKind.self)),
    .always("state", .words("Its state as it is stored.", of: JobState.self)),
    .always("status", operationStatus),
    .always("progress", .integer("Of the whole job, in percent.", from: 0, to: 100)),
    .always("progressDetails", .component("JobProgressDetails")),
    .always("progressMessage", .text("A sentence for people.")),
    .always("result", Schema.component("JobResult").orNull),
    .always("isCompleted", .truth("It ended well.")),
    .always("isFailed", .truth("It ended badly, or was cancelled.")),
    .always("isRunning", .truth("A worker has it.")),
    .always("isWaiting", .truth("No worker has it now.")),
    .always("createdAt", .moment("When it was accepted.")),
    .always("finishedAt", .moment("When it ended.").orNull),
    .always("jobName", .text("What it does, for people.")),
    .always("vmId", .identifier("The VPS.", VPSKind.self)),
  ]
}
