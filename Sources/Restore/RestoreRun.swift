import Catalog
import Datastore
import Disks
import Jobs
import Logging
import Model
import Operations

/// One attempt at a restore or undo: performs what the machine says and journals it.
///
/// Used by one task only; what several tasks touch (buffers, journal) guards itself.
final class RestoreRun {
  let parts: RestoreParts
  let context: JobContext
  let job: Job
  let kind: RestoreKind
  let isLastAttempt: Bool
  /// Follows what the job's limits say.
  let priority: ThreadPriority
  /// Where this job blocks.
  let threads: BlockingExecutor
  /// Its parts of the node's buffers: a job whose storage hangs keeps some from none.
  let (buffers, packed, shadows): (BufferPool, BufferPool, BufferPool)
  /// Who hashes, on the same threads.
  let digests: DigestQueue
  var journal = RestoreJournal()
  var target: VPS?
  /// Held from before the exchange until just before the start.
  var lock: ImageLock?
  /// What an undo takes back.
  var undoRecord: UndoRecord?
  /// Set when the backup's own data was found bad.
  var isBackupDamaged = false
  /// What the clones of this attempt may come to take, by file system.
  var clonedBytes: [String: Int64] = [:]

  private var machine: RestoreMachine

  init(_ kind: RestoreKind, _ job: Job, parts: RestoreParts, context: JobContext, isLast: Bool) {
    self.kind = kind
    self.job = job
    self.parts = parts
    self.context = context
    isLastAttempt = isLast
    priority = ThreadPriority(context.ioPriority ?? parts.settings.ioPriority.value)
    threads = BlockingExecutor(
      label: "rehome.restore.\(job.id)",
      width: Limits.stageThreads,
      priority: priority
    )
    digests = DigestQueue(on: threads)
    buffers = parts.buffers.share(Limits.stageStepsInFlight)
    packed = parts.packed.share(Limits.stageScratchBuffers)
    shadows = parts.shadows.share(Limits.stageScratchBuffers)
    machine = RestoreMachine(kind)
  }

  func run() async -> JobOutcome {
    do throws(StepStop) {
      journal = RestoreJournal(
        try await fromJournal { () async throws(JobInterruption) in
          try await self.context.journal()
        }
      )
      target = try await loadTarget()
    } catch {
      return outcome(of: error)
    }
    var action = machine.on(.taken(journal.summary))
    while true {
      switch action {
      case .perform(let step):
        // Once a swap has begun it is the swap itself that knows whether it can still be called off.
        if machine.canCancel, context.isCancelRequested, !journal.summary.begun.contains(.swap) {
          action = machine.on(.cancelRequested)
        } else {
          guard let next = await advance(step, cause: nil) else { return .leaseLost }
          action = next
        }
      case .turnBack(let step, let cause):
        guard let next = await advance(step, cause: cause) else { return .leaseLost }
        action = next
      case .retry(let failure):
        releaseLock()
        return .retry(failure)
      case .complete:
        return await completed()
      case .end(let ending):
        releaseLock()
        return ended(ending)
      }
    }
  }

  /// Performs a step and feeds its outcome to the machine; nil when the lease is gone.
  private func advance(_ step: RestoreStep, cause: RestoreEnding?) async -> RestoreMachine.Action? {
    do throws(StepStop) {
      report(step)
      try await perform(step, cause: cause)
      return machine.on(.succeeded(step))
    } catch {
      switch error {
      case .cancelled:
        return machine.on(.cancelRequested)
      case .failure(let failure), .damage(let failure):
        if case .damage = error { isBackupDamaged = true }
        log(failure, in: step)
        return machine.on(.failed(step, failure, isLastAttempt: isLastAttempt))
      case .interrupted(.leaseLost):
        releaseLock()
        await discardIfOver(step)
        return nil
      case .interrupted(.catalog):
        // Nothing can be journaled, so nothing may be done: the next attempt goes on.
        releaseLock()
        return .retry(
          JobFailure(
            code: .internalError,
            detail: "The catalog is out of reach.",
            isTransient: true
          )
        )
      }
    }
  }

  private func perform(_ step: RestoreStep, cause: RestoreEnding?) async throws(StepStop) {
    if needsPower(step) { try await holdPower() }
    switch step {
    case .check: try await check()
    case .stage: try await stage()
    case .verify: try await verify()
    case .stop: try await stop()
    case .swap: try await swap()
    case .start:
      try await start()
      context.releasePower()
    case .confirm: try await confirm()
    case .finish: try await finish()
    case .rollback: try await rollback(cause: cause ?? .cancelled)
    case .discard: try await discard(cause: cause ?? .cancelled)
    }
  }

  func releaseLock() {
    lock?.release()
    lock = nil
  }

  private func loadTarget() async throws(StepStop) -> VPS {
    let id = job.vpsID
    let found = try await fromCatalog { () async throws(CatalogFault) in
      try await self.parts.catalog.read { try $0.vps(id) }
    }
    guard let found else { throw .because(.notFound, "The target is gone.") }
    return found
  }

  private func outcome(of stop: StepStop) -> JobOutcome {
    switch stop {
    case .failure(let failure), .damage(let failure):
      return failure.isTransient && !isLastAttempt
        ? .retry(failure) : .failed(failure, also: { _ in })
    case .cancelled:
      return .cancelled(RestoreEnding.cancelled.failure, also: { _ in })
    case .interrupted(.leaseLost): return .leaseLost
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

  private func log(_ failure: JobFailure, in step: RestoreStep) {
    parts.logger.warning(
      "restore step failed",
      metadata: [
        "job.id": "\(job.id)", "vps.id": "\(job.vpsID)", "step": "\(step.rawValue)",
        "code": "\(failure.code.rawValue)", "detail": "\(failure.detail)",
      ]
    )
  }
}

extension RestoreRun {
  /// Writes a journal row; nothing that it announces happens before it is durable.
  func record(
    _ step: RestoreStep,
    _ phase: StepPhase,
    _ detail: some Encodable & Sendable
  ) async throws(StepStop) {
    try await fromJournal { () async throws(JobInterruption) in
      try await self.context.record(step.rawValue, phase, detail: detail)
    }
    journal.add(step, phase, JournalText.of(detail), at: parts.clock.now())
  }

  /// Writes a row that holds nothing.
  func record(_ step: RestoreStep, _ phase: StepPhase) async throws(StepStop) {
    try await record(step, phase, [String: String]())
  }

  /// Makes sure that the job is still ours, right before something that can't be taken back.
  func confirmLease() async throws(StepStop) {
    try await fromJournal { () async throws(JobInterruption) in
      try await self.context.confirmLease()
    }
  }

  /// The target, loaded before the first step.
  func requireTarget() throws(StepStop) -> VPS {
    guard let target else { throw .because(.notFound, "The target is gone.") }
    return target
  }

  /// The files that are exchanged together.
  func pairs() throws(StepStop) -> [ExchangePair] {
    guard let stage = journal.stage else {
      throw .operatorNeeded("The journal doesn't name the disks.")
    }
    return stage.pairs
  }

  /// Shows where the job is; the shares of the whole are rough, their order is not.
  func report(_ step: RestoreStep, done: Int64 = 0, total: Int64 = 0) {
    let (from, share, message) = Self.shares[step] ?? (0, 0, step.rawValue)
    let part = total > 0 ? Int(Double(share) * Double(done) / Double(total)) : 0
    context.report(
      JobProgress(
        step: step.rawValue,
        bytesDone: done,
        bytesTotal: total,
        percent: min(99, from + part),
        message: message
      )
    )
  }

  private static let shares: [RestoreStep: (from: Int, share: Int, message: String)] = [
    .check: (0, 1, "Checking the backup and the target"),
    .stage: (1, 64, "Staging the new disk beside the target's"),
    .verify: (65, 20, "Reading the staged disk back"),
    .stop: (85, 3, "Stopping the target"),
    .swap: (88, 2, "Exchanging the disks"),
    .start: (90, 2, "Starting the target"),
    .confirm: (92, 6, "Waiting for the target's network"),
    .finish: (98, 1, "Finishing"),
    .rollback: (90, 4, "Putting the former disk back"),
    .discard: (95, 3, "Removing the staged disk"),
  ]
}
