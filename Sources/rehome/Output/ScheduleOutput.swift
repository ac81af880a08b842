import Model
import Operations

extension ScheduleView {
  /// The schedule as the commands' JSON shows it.
  var json: JSONValue {
    [
      "id": JSONValue(schedule.id), "vpsId": JSONValue(schedule.vpsID),
      "name": JSONValue(schedule.name), "frequency": .text(schedule.timing.frequency.rawValue),
      "time": .text(schedule.timing.time),
      "daySpecifier": JSONValue(schedule.timing.daySpecifier),
      "hour": JSONValue(schedule.timing.hour), "dayOfWeek": JSONValue(schedule.timing.dayOfWeek),
      "dayOfMonth": JSONValue(schedule.timing.dayOfMonth),
      "retentionCount": JSONValue(schedule.retentionCount),
      "enabled": .boolean(schedule.isEnabled), "createdAt": JSONValue(schedule.createdAt),
      "nextRunAt": JSONValue(schedule.isEnabled ? schedule.attemptAt : nil),
      "lastRun": schedule.lastRun.map { last($0) } ?? .null,
    ]
  }

  private func last(_ run: ScheduleRun) -> JSONValue {
    [
      "dueAt": JSONValue(run.dueAt), "at": JSONValue(run.at),
      "outcome": .text(run.outcome.rawValue), "jobId": JSONValue(run.jobID?.text),
      "status": JSONValue(lastJob.map { OperationStatus($0.state).rawValue }),
      "code": JSONValue(run.code), "reason": JSONValue(run.reason),
    ]
  }

  /// The schedule for people.
  var words: String {
    var fields = Fields()
    fields.add("Schedule", schedule.id.text)
    fields.add("Name", schedule.name)
    fields.add("VPS", schedule.vpsID.text)
    fields.add("Runs", schedule.timing.words)
    fields.add("Keeps", "\(schedule.retentionCount)")
    fields.add("Next", schedule.isEnabled ? schedule.attemptAt.text : "disabled")
    fields.add("Last", lastWords)
    return fields.text
  }

  /// What came of the last turn; nil when there was none.
  var lastWords: String? {
    schedule.lastRun.map { run in
      switch run.outcome {
      case .started: lastJob.map { "\(run.at): \($0.state.rawValue)" } ?? "\(run.at): started"
      case .postponed: "\(run.at): to be tried again (\(run.code ?? "unknown"))"
      case .skipped: "\(run.at): skipped (\(run.code ?? "unknown"))"
      }
    }
  }
}

extension ScheduleTiming {
  /// When it runs, in words.
  var words: String {
    switch frequency {
    case .daily: "daily at \(time)"
    case .weekly: "each \(daySpecifier ?? "week") at \(time)"
    case .monthly: "on day \(daySpecifier ?? "1") of each month at \(time)"
    }
  }
}
