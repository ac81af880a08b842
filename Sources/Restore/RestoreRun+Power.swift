import Jobs
import Model

extension RestoreRun {
  /// Whether nobody else may change the target's power during a step: from the stop to the start,
  /// or to the start of the former disk.
  func needsPower(_ step: RestoreStep) -> Bool {
    switch step {
    case .stop, .swap, .start, .rollback: true
    case .discard: journal.summary.begun.contains(.stop)
    case .check, .stage, .verify, .confirm, .finish: false
    }
  }

  /// Takes the lock that power actions work under, and waits for one that is at work.
  ///
  /// It is taken before the journal says that the target is being stopped: whoever has the lock and
  /// finds no such row may act.
  func holdPower() async throws(StepStop) {
    let mayCancel = !journal.summary.begun.contains(.stop)
    let isHeld = try await fromJournal { () async throws(JobInterruption) in
      try await context.holdPower(within: Limits.powerLockWait, orUntilCancelled: mayCancel)
    }
    guard !isHeld else { return }
    if mayCancel, context.isCancelRequested { throw .cancelled }
    throw .because(
      .vpsNotReady,
      "A power action of the target did not end in time.",
      isTransient: true
    )
  }
}
