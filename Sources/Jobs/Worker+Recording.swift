import Catalog
import Foundation
import Logging
import Model

/// What is written about an attempt.
private enum Verdict: Sendable {
  case finish(
    JobState,
    JobResult?,
    JobFailure?,
    also: @Sendable (any CatalogTransaction) throws -> Void
  )
  case postpone(until: Timestamp, JobFailure)
}

extension Worker {
  /// How long to wait before a busy catalog is asked again to take an outcome.
  private static let recordingRest = Duration.seconds(1)

  /// Writes down how an attempt ended, in one transaction.
  ///
  /// A catalog that is away is asked again until the lease has ended; after that the job is
  /// whoever's who claims it next, and its journal tells what was done.
  func record(_ outcome: JobOutcome, of context: JobContext) async {
    while let verdict = await verdict(on: outcome, of: context) {
      do throws(CatalogFault) {
        if try await write(verdict, of: context) {
          ended(context.job, with: verdict)
        } else {
          logger.warning("lease lost", metadata: metadata(of: context.job))
        }
        return
      } catch .failed(.busy(let reason)) {
        logger.error(
          "outcome not recorded yet",
          metadata: metadata(of: context.job).merging(["error": "\(reason)"]) { $1 }
        )
        guard !context.hasLeaseEnded, await timer.isAwake(after: Self.recordingRest) else { return }
      } catch {
        await recordRefused(error, verdict, of: context)
        return
      }
    }
  }

  /// What an outcome means for the job; nil: nothing is to be recorded.
  private func verdict(on outcome: JobOutcome, of context: JobContext) async -> Verdict? {
    switch outcome {
    case .completed(let result, let also): return .finish(.completed, result, nil, also: also)
    case .failed(let failure, let also): return .finish(.failed, nil, failure, also: also)
    case .cancelled(let failure, let also): return .finish(.cancelled, nil, failure, also: also)
    case .leaseLost: return nil
    case .retry(var failure):
      let attempt = context.job.attempts
      var hasBegun = false
      if policy.isLast(attempt) {
        do throws(JobInterruption) {
          hasBegun = try await !context.journal().isEmpty
        } catch {
          // Whether there is something to put right isn't known, so it isn't given up.
          hasBegun = true
        }
      }
      if policy.mayRetry(after: attempt, hasBegun: hasBegun) {
        let until = clock.now().advanced(by: policy.delay.after(attempt: attempt))
        return .postpone(until: until, failure)
      }
      failure.isTransient = false
      if hasBegun { failure.left = .needsOperator }
      return .finish(.failed, nil, failure, also: { _ in })
    }
  }

  /// Writes a verdict; false when the lease is lost.
  private func write(
    _ verdict: Verdict,
    of context: JobContext
  ) async throws(CatalogFault) -> Bool {
    let (job, lease, now) = (context.job, context.lease, clock.now())
    switch verdict {
    case .postpone(let until, let failure):
      let progress = context.lastProgress(isCompleted: false)
      return try await catalog.write { transaction in
        if let progress { _ = try transaction.setProgress(progress, lease: lease) }
        return try transaction.postpone(lease, until: until, failure: failure)
      }
    case .finish(let state, let result, let failure, let also):
      let progress = context.lastProgress(isCompleted: state == .completed)
      let entry = AuditEntry(
        at: now,
        actor: "worker:\(node)",
        action: "job.\(state.rawValue)",
        subject: job.id.text,
        detail: Self.auditDetail(job, failure)
      )
      return try await catalog.write { transaction in
        if let progress { _ = try transaction.setProgress(progress, lease: lease) }
        guard
          try transaction.finish(lease, state: state, result: result, failure: failure, at: now)
        else { return false }
        try also(transaction)
        if try !Self.keepsHolds(job, failure, transaction) {
          try transaction.releaseHolds(of: job.id)
        }
        try Self.forgetSession(of: job, transaction)
        try transaction.append(entry)
        return true
      }
    }
  }

  /// Forgets that a backup was seen at work, now that it is over: until the next look at the host its VPS
  /// would count as busy.
  ///
  /// Where another one's backup runs, that look and each job find it.
  private static func forgetSession(
    of job: Job,
    _ transaction: any CatalogTransaction
  ) throws(CatalogError) {
    guard case .backup = job.task, var seen = try transaction.vps(job.vpsID)?.observation,
      seen.activity == .backup
    else { return }
    seen.activity = .none
    try transaction.setObservation(seen, of: job.vpsID)
  }

  /// What a restore read may be all that its target can be put in order with: by an operator, or by
  /// an undo, which releases it when it ends.
  private static func keepsHolds(
    _ job: Job,
    _ failure: JobFailure?,
    _ transaction: any CatalogTransaction
  ) throws(CatalogError) -> Bool {
    if failure?.left == .needsOperator && job.task.changesDisks { return true }
    guard job.task.isUndoneFromBackup else { return false }
    return try transaction.undo(of: job.vpsID)?.restoreJobID == job.id
  }

  /// A transaction that the catalog won't have: what came with the end is wrong, but the job must
  /// end, or it would hold its VPS for ever.
  private func recordRefused(
    _ fault: CatalogFault,
    _ verdict: Verdict,
    of context: JobContext
  ) async {
    logger.error(
      "outcome refused by the catalog",
      metadata: metadata(of: context.job).merging(["error": "\(fault)"]) { $1 }
    )
    guard case .finish(let state, _, let failure, _) = verdict else { return }
    let plain = Verdict.finish(
      state == .completed ? .failed : state,
      nil,
      failure
        ?? JobFailure(
          code: .internalError,
          detail: "The job did its work, but its result could not be stored.",
          left: .needsOperator
        ),
      also: { _ in }
    )
    do throws(CatalogFault) {
      if try await write(plain, of: context) { ended(context.job, with: plain) }
    } catch {
      logger.error(
        "outcome not recorded",
        metadata: metadata(of: context.job).merging(["error": "\(error)"]) { $1 }
      )
    }
  }

  /// Tells the log and the figures of what is written down.
  private func ended(_ job: Job, with verdict: Verdict) {
    log(verdict, of: job)
    guard case .finish(let state, let result, _, _) = verdict else { return }
    figures.finished(job, state, result, at: clock.now())
  }

  private func log(_ verdict: Verdict, of job: Job) {
    var metadata = metadata(of: job)
    switch verdict {
    case .postpone(_, let failure):
      metadata["code"] = "\(failure.code.rawValue)"
      logger.info("job to be tried again", metadata: metadata)
    case .finish(let state, _, let failure, _):
      metadata["state"] = "\(state.rawValue)"
      if let failure { metadata["code"] = "\(failure.code.rawValue)" }
      logger.info("job ended", metadata: metadata)
    }
  }

  private static func auditDetail(_ job: Job, _ failure: JobFailure?) -> String? {
    var detail = ["kind": job.task.kind.rawValue, "vps": job.vpsID.text]
    detail["code"] = failure?.code.rawValue
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    // A dictionary of strings always has a JSON text.
    return (try? encoder.encode(detail)).map { String(decoding: $0, as: UTF8.self) }
  }
}
