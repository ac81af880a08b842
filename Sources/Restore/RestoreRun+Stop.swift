import Catalog
import Disks
import Hypervisor
import Logging
import Model
import Operations

extension RestoreRun {
  /// Stops the target: asks first, waits a bounded while, then destroys it gracefully.
  func stop() async throws(StepStop) {
    let record = try await stopRecord()
    let watch = Stopwatch(parts.timer)
    let reference = try requireTarget().reference
    let state = try await patiently { () async throws(HypervisorError) in
      try await parts.hypervisor.state(of: reference)
    }
    // Behind each wait: the job may have become another worker's meanwhile.
    try await confirmLease()
    if state != .stopped { try await shutDown(reference) }
    if record.hadAutostart {
      try await confirmLease()
      // A host that reboots from here on must not start a half-exchanged machine.
      try await patiently { () async throws(HypervisorError) in
        try await parts.hypervisor.setAutostart(reference, false)
      }
    }
    try await confirmLease()
    let kept = try await keepNVRAM()
    try await self.record(
      .stop,
      .done,
      StoppedRecord(milliseconds: watch.elapsed.milliseconds, nvram: kept)
    )
    await parts.reached(.afterStop)
  }

  /// The row that begins the stop; one from an earlier attempt holds on.
  private func stopRecord() async throws(StepStop) -> StopRecord {
    if let record = journal.stop, journal.summary.begun.contains(.stop) { return record }
    // An undo that was taken up anew has its disks in the journal, but not its seed.
    if kind == .undo, undoRecord == nil { try await recordUndoDisks() }
    let domain = try await describeTarget()
    let seen = try await fromHypervisor { () async throws(HypervisorError) in
      try await parts.observer.observation(of: domain)
    }
    let status = try requireTarget().serviceStatus
    try rules { () throws(Refusal) in
      try GateRules.targetState(GateFacts(serviceStatus: status, observation: seen))
    }
    for pair in try pairs() {
      guard let disk = seen.disks.first(where: { $0.device == pair.disk }),
        try await realPath(of: disk.path) == pair.current
      else { throw .because(.vpsNotReady, "The target's disks have changed meanwhile.") }
    }
    try await checkNVRAM(of: domain)
    let record = StopRecord(
      wasRunning: domain.state != .stopped,
      hadAutostart: domain.hasAutostart,
      seed: try await seedChange(of: domain),
      nvramPath: domain.keptNVRAMPath
    )
    try await self.record(.stop, .begun, record)
    return record
  }

  /// The real path of a disk that this run can work on.
  private func realPath(of path: String) async throws(StepStop) -> String {
    guard isInPlace else { return try await qualify(path) }
    return try await fromDisks { () async throws(DiskError) in
      try await InPlaceTarget.resolve(path)
    }
  }

  func describeTarget() async throws(StepStop) -> DomainDescription {
    let reference = try requireTarget().reference
    return try await patiently { () async throws(HypervisorError) in
      try await parts.hypervisor.domain(reference)
    }
  }

  private func shutDown(_ reference: DomainReference) async throws(StepStop) {
    do throws(HypervisorError) {
      try await parts.hypervisor.requestShutdown(of: reference)
    } catch {
      // A guest that can't be asked is destroyed after the wait, like one that doesn't obey.
      parts.logger.notice(
        "shutdown not requested",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
    }
    if try await isStopped(reference, within: parts.settings.shutdownTimeout) { return }
    for graceful in [true, false] {
      try await confirmLease()
      do throws(HypervisorError) {
        try await parts.hypervisor.destroy(reference, graceful: graceful)
      } catch {
        parts.logger.notice(
          "destroy failed",
          metadata: ["job.id": "\(job.id)", "error": "\(error)"]
        )
      }
      if try await isStopped(reference, within: Limits.destroyTimeout) { return }
    }
    throw .because(.shutdownFailed, "The target could not be stopped.")
  }

  /// Waits until the target is off; false when it isn't within the limit.
  func isStopped(
    _ reference: DomainReference,
    within limit: Duration
  ) async throws(StepStop) -> Bool {
    do throws(HypervisorError) {
      let state = try await parts.hypervisor.waitUntil(
        reference,
        is: [.stopped, .crashed],
        within: limit
      )
      return state == .stopped || state == .crashed
    } catch .timedOut {
      return false
    } catch {
      throw StepStop(error)
    }
  }
}
