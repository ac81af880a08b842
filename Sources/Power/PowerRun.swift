import Catalog
import Hypervisor
import Jobs
import Logging
import Model
import Operations

/// One attempt at a power action: looks, asks the plan, journals each effect, has it, looks again.
final class PowerRun {
  /// More moves than any action has: a machine that somebody else keeps changing ends the job.
  private static let movesMaximum = 8

  let parts: PowerParts
  let context: JobContext
  let job: Job
  let task: PowerTask
  private var begun: Set<PowerEffect> = []
  private var done: Set<PowerEffect> = []
  /// Whether the guest was asked to end and didn't in time.
  var isOverdue = false

  init(_ job: Job, _ task: PowerTask, parts: PowerParts, context: JobContext) {
    self.job = job
    self.task = task
    self.parts = parts
    self.context = context
  }

  func run(isLastAttempt: Bool) async -> JobOutcome {
    do throws(PowerStop) {
      try await readJournal()
      let vps = try await allowed().vps
      for _ in 0..<Self.movesMaximum {
        let sight = try await look(vps)
        switch PowerPlan.move(for: task, sight) {
        case .perform(let effect): try await perform(effect, on: vps)
        case .complete: return await completed(vps, sight)
        case .refuse(let reason): throw .because(.vpsNotReady, reason.sentence, left: left(sight))
        case .giveUp: throw .because(.shutdownFailed, disobedience)
        }
      }
      throw .because(.internalError, "Somebody else keeps changing the machine's power.")
    } catch {
      return outcome(of: error, isLastAttempt: isLastAttempt)
    }
  }

  private func readJournal() async throws(PowerStop) {
    let rows = try await fromJournal { () async throws(JobInterruption) in
      try await context.journal()
    }
    for row in rows {
      guard let effect = PowerEffect(rawValue: row.name) else { continue }
      switch row.phase {
      case .begun: begun.insert(effect)
      case .done: done.insert(effect)
      case .failed: break
      }
    }
  }

  /// The VPS, if it may get a power action now, and its data job.
  ///
  /// Asked under the lock that a restore's stop takes. A refusal says in which state it leaves the
  /// machine.
  func allowed(
    left: LeftState = .untouched
  ) async throws(PowerStop) -> (vps: VPS, dataJob: JobID?) {
    let id = job.vpsID
    let found = try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { transaction in
        (
          vps: try transaction.vps(id), standing: try transaction.standing(of: id),
          holder: try Operations.powerHolder(of: id, transaction)
        )
      }
    }
    guard let vps = found.vps, vps.serviceStatus != .terminated else {
      throw .because(.notFound, "The VPS is gone.", left: left)
    }
    guard vps.serviceStatus == .active else {
      throw .because(.vpsNotReady, NotReadyReason.notActive.sentence, left: left)
    }
    if task.action.boots, let unsettled = found.standing.unsettledJobID {
      let reason = NotReadyReason.needsOperator.sentence
      throw .because(.vpsNotReady, "\(reason) It is \(unsettled).", left: left)
    }
    if let holder = found.holder {
      // Its worker has died between stop and start: the next one goes on, and so does this job.
      throw .because(
        .vpsNotReady,
        "\(NotReadyReason.jobInFlight.sentence) It is \(holder).",
        left: left,
        isTransient: true
      )
    }
    return (vps, found.standing.dataJobID)
  }

  private func look(_ vps: VPS) async throws(PowerStop) -> PowerSight {
    let domain = try await fromHypervisor { () async throws(HypervisorError) in
      try await parts.hypervisor.domain(vps.reference)
    }
    if begun.isEmpty {
      do throws(Refusal) {
        try GateRules.powerable(isPersistent: domain.isPersistent, domain.activity)
      } catch {
        throw .because(.vpsNotReady, error.detail)
      }
    }
    return PowerSight(
      state: domain.state,
      hasSavedState: domain.hasManagedSave,
      begun: begun,
      done: done,
      isOverdue: isOverdue
    )
  }

  private func perform(_ effect: PowerEffect, on vps: VPS) async throws(PowerStop) {
    if begun.isEmpty, context.isCancelRequested { throw .cancelled }
    _ = try await allowed()
    try await fromJournal { () async throws(JobInterruption) in
      try await context.record(effect.rawValue, .begun, detail: [String: String]())
      try await context.confirmLease()
    }
    begun.insert(effect)
    report(effect)
    switch effect {
    case .shutdown: try await shutDown(vps.reference)
    case .destroy: try await destroy(vps.reference)
    case .start: try await start()
    case .reset: try await reset(vps.reference)
    }
    guard effect != .shutdown || !isOverdue else { return }
    try await fromJournal { () async throws(JobInterruption) in
      try await context.record(effect.rawValue, .done, detail: [String: String]())
    }
    done.insert(effect)
  }

  private func report(_ effect: PowerEffect) {
    let (percent, message) =
      switch effect {
      case .shutdown: (10, "Waiting for the guest to shut down")
      case .destroy: (50, "Stopping the machine")
      case .start: (70, "Starting the machine")
      case .reset: (50, "Resetting the machine")
      }
    context.report(JobProgress(step: effect.rawValue, percent: percent, message: message))
  }
}

// MARK: - The job's end

extension PowerRun {
  /// The result, with what the machine looks like now for the gates.
  private func completed(_ vps: VPS, _ sight: PowerSight) async -> JobOutcome {
    let seen = await observation(of: vps)
    let result = PowerResult(
      action: task.action,
      powerState: seen?.powerState ?? PowerState(sight.state),
      wasForced: done.contains(.destroy),
      milliseconds: context.elapsedMilliseconds
    )
    return .completed(.power(result)) { transaction in
      if let seen { try transaction.setObservation(seen, of: vps.id) }
    }
  }

  /// Nil when it can't be made: the worker makes one within a minute anyway.
  private func observation(of vps: VPS) async -> Observation? {
    do throws(HypervisorError) {
      var seen = try await parts.observer.observe(vps.reference)
      seen.operatingSystem = vps.observation?.operatingSystem
      return seen
    } catch {
      parts.logger.notice(
        "VPS not observed",
        metadata: ["job.id": "\(job.id)", "vps.id": "\(vps.id)", "error": "\(error)"]
      )
      return nil
    }
  }

  private func outcome(of stop: PowerStop, isLastAttempt: Bool) -> JobOutcome {
    switch stop {
    case .failure(let failure) where failure.isTransient && !isLastAttempt:
      return .retry(failure)
    case .failure(var failure):
      failure.isTransient = false
      return .failed(failure, also: { _ in })
    case .cancelled:
      return .cancelled(
        JobFailure(code: .jobCancelled, detail: "The action was cancelled before it began."),
        also: { _ in }
      )
    case .interrupted(.leaseLost):
      return .leaseLost
    case .interrupted(.catalog):
      return .retry(
        JobFailure(
          code: .internalError,
          detail: "The catalog is out of reach.",
          isTransient: true
        )
      )
    }
  }

  /// A restart that got no further than its stop leaves a machine that should run.
  private func left(_ sight: PowerSight) -> LeftState {
    task.action == .restart && !begun.isEmpty && !sight.state.isActive ? .notRunning : .untouched
  }

  private var disobedience: String {
    done.contains(.destroy)
      ? "The machine could not be stopped."
      : "The guest did not shut down within "
        + "\(parts.settings.shutdownTimeout.components.seconds) seconds; it may still do so."
  }
}
