import Model

/// What a job was, did and left behind, in words.
enum JobText {
  /// What kind of job it is and of what.
  static func task(_ task: JobTask) -> String {
    switch task {
    case .backup(let task): "backup \(task.backupID)"
    case .restore(let task): "restore of \(task.backupID) from \(task.sourceVPSID)"
    case .undo(let task): "undo of \(task.restoreJobID)"
    case .power(let task): task.action.rawValue + (task.isForced ? ", by force if need be" : "")
    }
  }

  /// The last word on a job that has ended: what came of it, or why nothing did and what is left.
  static func lastWord(_ job: Job) -> String {
    switch job.state {
    case .queued, .running, .waiting:
      "Job \(job.id) hasn't ended: \(ProgressText.line(job))"
    case .completed:
      job.result.map { done(job, $0) } ?? "Job \(job.id) is completed."
    case .failed, .cancelled:
      failed(job)
    }
  }

  private static func failed(_ job: Job) -> String {
    let verb = job.state == .cancelled ? "was cancelled" : "failed"
    guard let failure = job.failure else { return "Job \(job.id) \(verb)." }
    return "Job \(job.id) \(verb) (\(failure.code.rawValue)): \(Table.printable(failure.detail)) "
      + left(failure.left, of: job)
  }

  /// In which state the job's VPS is now.
  static func left(_ state: LeftState, of job: Job) -> String {
    switch state {
    case .untouched: "\(job.vpsID) was not touched."
    case .rolledBack: "\(job.vpsID) has its former disk again and is as it was."
    case .rolledBackNotRunning:
      "\(job.vpsID) has its former disk again but doesn't run. Start it when it may."
    case .newDiskNotRunning:
      "\(job.vpsID) has its new disk, whole, but doesn't run. Start it, or undo the restore."
    case .newDiskRunning: "\(job.vpsID) runs on its new disk."
    case .needsOperator:
      "The files of \(job.vpsID) aren't as the journal says, so nothing more was touched. "
        + "An operator must look"
        + (job.needsOperator ? ", then say so: `rehome job resolve \(job.id)`." : ".")
    case .notRunning: "\(job.vpsID) doesn't run. Its disks were not touched."
    }
  }

  private static func done(_ job: Job, _ result: JobResult) -> String {
    switch result {
    case .backup(let result): done(job, result)
    case .restore(let result): done(job, result)
    case .undo(let result):
      [
        "\(result.targetVPSID) has the disk again that it had before \(result.restoreJobID).",
        downtime(result.downtime), network(result.network), Table.printable(result.note),
      ].joined(separator: "\n")
    case .power(let result):
      "\(job.vpsID) is \(result.powerState.rawValue) after "
        + "\(DurationText.short(milliseconds: result.milliseconds))"
        + (result.wasForced ? "; its plug was pulled." : ".")
    }
  }

  private static func done(_ job: Job, _ result: BackupResult) -> String {
    let frozen =
      result.frozen
      ? "Its file systems were frozen for "
        + "\(DurationText.short(milliseconds: result.frozenMilliseconds))."
      : "Its file systems were not frozen."
    return "\(result.backupID) of \(job.vpsID) is complete: "
      + "\(ByteText.of(result.sizeBytes)), \(ByteText.of(result.bytesRead)) read, "
      + "\(ByteText.of(result.bytesWritten)) new in the datastore. \(frozen) \(reading(result))"
  }

  private static func reading(_ result: BackupResult) -> String {
    guard !result.incremental else { return "Only what had changed was read." }
    let reason =
      switch result.fullReason {
      case .noCheckpoint: "no earlier backup has left a checkpoint"
      case .unsupportedFormat: "changes are recorded on qcow2 disks only"
      case .parentDeleted: "the backup before it was deleted"
      case .parentDamaged: "the backup before it is damaged"
      case .domainChanged: "the domain was defined anew"
      case .disksChanged: "a disk was added, removed, resized or replaced"
      case .checkpointLost: "libvirt has lost the checkpoint"
      case .bitmapLost: "a disk has lost its record of changes"
      case nil: "nothing says why"
      }
    return "All of it was read, because \(reason)."
  }

  private static func done(_ job: Job, _ result: RestoreResult) -> String {
    var sentences = [
      "\(result.backupID) of \(result.sourceVPSID) is on \(result.targetVPSID)"
        + (result.verified ? ", read back and verified." : "."),
      "\(ByteText.of(result.bytesWritten)) written, "
        + "\(ByteText.of(result.bytesReused)) needed no writing.",
      downtime(result.downtime), network(result.network),
    ]
    sentences += result.notes.map(Table.printable)
    sentences.append(
      "Until \(result.undoUntil) it can be taken back: rehome restore undo \(job.id)"
    )
    return sentences.joined(separator: "\n")
  }

  private static func downtime(_ downtime: Downtime) -> String {
    guard downtime.totalMilliseconds > 0 else { return "The VPS was off." }
    let parts = [
      "shutdown \(DurationText.short(milliseconds: downtime.shutdownMilliseconds))",
      "exchange \(DurationText.short(milliseconds: downtime.exchangeMilliseconds))",
      "start \(DurationText.short(milliseconds: downtime.startMilliseconds))",
    ]
    return "It was down for \(DurationText.short(milliseconds: downtime.totalMilliseconds)) "
      + "(\(parts.joined(separator: ", ")))."
  }

  private static func network(_ network: NetworkOutcome) -> String {
    if network.confirmed {
      let addresses = network.addresses.filter(isTelling).map(Table.printable)
        .joined(separator: ", ")
      return addresses.isEmpty
        ? "Its network is confirmed." : "Its network is confirmed: \(addresses)."
    }
    let handed = network.reapplied ? " It was handed to cloud-init." : ""
    let reason =
      switch network.confirmedReason {
      case .noAgent: "the guest has no agent that answers"
      case .targetOff: "the VPS is off"
      case .timeout: "the guest showed no address in time"
      case .mismatch: "the guest shows other addresses than it should have"
      case .foreignAddress: "the guest showed another VPS's address, so its links are down"
      case nil: "nothing was seen"
      }
    return "Its network is not confirmed: \(reason).\(handed)"
  }

  /// Every guest has its loopback and link-local addresses, so they say nothing.
  private static func isTelling(_ address: String) -> Bool {
    !["127.", "::1/", "fe80:"].contains(where: address.hasPrefix)
  }
}
