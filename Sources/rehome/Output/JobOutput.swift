import Model

extension Job {
  /// The job as the commands' JSON shows it.
  var json: JSONValue {
    [
      "id": JSONValue(id), "status": .text(OperationStatus(state).rawValue),
      "state": .text(state.rawValue), "kind": .text(task.kind.rawValue),
      "vpsId": JSONValue(vpsID), "clientId": JSONValue(clientID), "node": .text(node),
      "task": task.json, "attempts": JSONValue(attempts),
      "cancelRequested": .boolean(isCancelRequested), "needsOperator": .boolean(needsOperator),
      "progress": progress.json,
      "limits": [
        "bytesPerSecond": limits.bytesPerSecond.map { .integer($0) } ?? .null,
        "ioPriority": JSONValue(limits.ioPriority?.rawValue),
      ],
      "result": result?.json ?? .null, "error": failure?.json ?? .null,
      "createdAt": JSONValue(createdAt), "startedAt": JSONValue(startedAt),
      "finishedAt": JSONValue(finishedAt),
    ]
  }

  /// The job for people.
  var words: String {
    var fields = Fields()
    fields.add("Job", id.text)
    fields.add("Task", JobText.task(task))
    fields.add("VPS", vpsID.text)
    fields.add("State", state.isFinal ? state.rawValue : ProgressText.line(self))
    fields.add("Attempts", "\(attempts)")
    fields.add("Rate", limits.bytesPerSecond.map { RateText.of($0) })
    fields.add("I/O", limits.ioPriority?.rawValue)
    fields.add("Created", createdAt.text)
    fields.add("Started", startedAt?.text)
    fields.add("Finished", finishedAt?.text)
    fields.add("Message", progress.message.isEmpty || state.isFinal ? nil : progress.message)
    guard state.isFinal else { return fields.text }
    return "\(fields.text)\n\n\(JobText.lastWord(self))"
  }
}

extension JobTask {
  fileprivate var json: JSONValue {
    switch self {
    case .backup(let task):
      ["backupId": JSONValue(task.backupID)]
    case .restore(let task):
      [
        "sourceVpsId": JSONValue(task.sourceVPSID), "backupId": JSONValue(task.backupID),
        "strategy": .text(task.strategy.rawValue), "startsWhenOff": .boolean(task.startsWhenOff),
      ]
    case .undo(let task):
      ["restoreJobId": JSONValue(task.restoreJobID)]
    case .power(let task):
      ["action": .text(task.action.rawValue), "force": .boolean(task.isForced)]
    }
  }
}

extension JobProgress {
  fileprivate var json: JSONValue {
    [
      "percent": JSONValue(percent), "step": .text(step), "bytesDone": .integer(bytesDone),
      "bytesTotal": .integer(bytesTotal), "bytesPerSecond": .integer(bytesPerSecond),
      "message": .text(message),
    ]
  }
}

extension JobFailure {
  fileprivate var json: JSONValue {
    [
      "code": .text(code.rawValue), "title": .text(title), "detail": .text(detail),
      "left": .text(left.rawValue), "isTransient": .boolean(isTransient),
    ]
  }
}

extension JobResult {
  fileprivate var json: JSONValue {
    switch self {
    case .backup(let result): result.json
    case .restore(let result): result.json
    case .undo(let result): result.json
    case .power(let result): result.json
    }
  }
}

extension BackupResult {
  fileprivate var json: JSONValue {
    [
      "backupId": JSONValue(backupID), "sizeBytes": .integer(sizeBytes),
      "bytesRead": .integer(bytesRead), "bytesWritten": .integer(bytesWritten),
      "bytesReused": .integer(bytesReused), "frozen": .boolean(frozen),
      "frozenMilliseconds": .integer(frozenMilliseconds),
      "incremental": .boolean(incremental), "fullReason": JSONValue(fullReason?.rawValue),
    ]
  }
}

extension RestoreResult {
  fileprivate var json: JSONValue {
    [
      "targetVpsId": JSONValue(targetVPSID), "sourceVpsId": JSONValue(sourceVPSID),
      "backupId": JSONValue(backupID), "strategy": .text(strategy.rawValue),
      "bytesRead": .integer(bytesRead), "bytesWritten": .integer(bytesWritten),
      "bytesReused": .integer(bytesReused), "bytesCompared": .integer(bytesCompared ?? 0),
      "downtimeMilliseconds": .integer(downtime.totalMilliseconds), "downtime": downtime.json,
      "network": network.json, "verified": .boolean(verified), "undoUntil": JSONValue(undoUntil),
      "notes": JSONValue(notes),
    ]
  }
}

extension UndoResult {
  fileprivate var json: JSONValue {
    [
      "targetVpsId": JSONValue(targetVPSID), "restoreJobId": JSONValue(restoreJobID),
      "downtimeMilliseconds": .integer(downtime.totalMilliseconds), "downtime": downtime.json,
      "network": network.json, "note": .text(note),
    ]
  }
}

extension PowerResult {
  fileprivate var json: JSONValue {
    [
      "action": .text(action.rawValue), "powerState": .text(powerState.rawValue),
      "forced": .boolean(wasForced), "durationMilliseconds": .integer(milliseconds),
    ]
  }
}

extension Downtime {
  fileprivate var json: JSONValue {
    [
      "shutdown": .integer(shutdownMilliseconds), "exchange": .integer(exchangeMilliseconds),
      "start": .integer(startMilliseconds),
    ]
  }
}

extension NetworkOutcome {
  fileprivate var json: JSONValue {
    [
      "reapplied": .boolean(reapplied), "confirmed": .boolean(confirmed),
      "confirmedReason": JSONValue(confirmedReason?.rawValue), "addresses": JSONValue(addresses),
    ]
  }
}
