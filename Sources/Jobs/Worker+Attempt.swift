import Catalog
import Logging
import Model

extension Worker {
  /// One attempt at a job, from its claim to what is recorded of it.
  func attempt(_ claim: Claim) async {
    await LogContext.$jobID.withValue(claim.job.id) { await logged(claim) }
  }

  private func logged(_ claim: Claim) async {
    let job = claim.job
    figures.begin(job)
    let context = JobContext(
      claim,
      catalog: catalog,
      clock: clock,
      timer: timer,
      stages: figures.stages(of: job)
    )
    defer {
      context.releasePower()
      claim.lock.release()
      figures.end()
    }
    logger.info("job taken", metadata: metadata(of: job))
    let outcome: JobOutcome
    if policy.isPastAll(job.attempts) {
      outcome = await givenUp(context)
    } else if let handler = handlers[job.task.kind] {
      outcome = await work(handler, context)
    } else {
      outcome = .failed(
        JobFailure(
          code: .internalError,
          detail: "This worker can't do jobs of this kind."
        ),
        also: { _ in }
      )
    }
    await record(outcome, of: context)
  }

  /// Runs the handler beside the keeper of its lease.
  private func work(_ handler: any JobHandler, _ context: JobContext) async -> JobOutcome {
    let job = context.job
    let isLast = policy.isLast(job.attempts)
    return await withTaskGroup(of: JobOutcome?.self) { group in
      group.addTask(name: "\(job.id) work") {
        await handler.run(job, context: context, isLastAttempt: isLast)
      }
      group.addTask(name: "\(job.id) lease") {
        await keepLease(of: context)
        return nil
      }
      // The one that ends first ends the other: the handler because it is done, or the keeper
      // because the lease is lost or this worker is ending.
      let first = await group.next() ?? nil
      group.cancelAll()
      let second = await group.next() ?? nil
      guard let outcome = first ?? second, !context.isLost else { return .leaseLost }
      // A handler that was interrupted may have reached its goal all the same; anything else that
      // it says comes from the interruption, and the next worker goes on from the journal.
      if case .completed = outcome { return outcome }
      return Task.isCancelled ? .leaseLost : outcome
    }
  }

  /// Renews the lease, stores progress, looks for a cancel and for new limits; ends when the lease is lost or the
  /// task cancelled.
  private func keepLease(of context: JobContext) async {
    var renewAt = clock.now().advanced(by: Limits.leaseRenewal)
    while await timer.isAwake(after: Limits.progressInterval) {
      do throws(JobInterruption) {
        if renewAt <= clock.now() {
          try await context.renew()
          renewAt = clock.now().advanced(by: Limits.leaseRenewal)
        }
        try await context.storeProgress()
        try await context.lookForWishes()
      } catch .leaseLost {
        logger.warning("lease lost", metadata: metadata(of: context.job))
        return
      } catch {
        guard context.hasLeaseEnded else { continue }
        logger.error(
          "lease not renewed in time",
          metadata: metadata(of: context.job).merging(["error": "\(error)"]) { $1 }
        )
        _ = context.lose()
        return
      }
    }
  }

  /// The end of a job that no worker has survived.
  private func givenUp(_ context: JobContext) async -> JobOutcome {
    do throws(JobInterruption) {
      let hasBegun = try await !context.journal().isEmpty
      return .failed(
        JobFailure(
          code: .workerLost,
          detail: "The worker was lost during each of \(context.job.attempts - 1) attempts.",
          left: hasBegun ? .needsOperator : .untouched
        ),
        also: { _ in }
      )
    } catch {
      return .leaseLost
    }
  }

  func metadata(of job: Job) -> Logger.Metadata {
    [
      "job.id": "\(job.id)", "job.kind": "\(job.task.kind.rawValue)", "vps.id": "\(job.vpsID)",
      "attempt": "\(job.attempts)",
    ]
  }
}
