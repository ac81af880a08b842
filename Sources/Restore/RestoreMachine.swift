package import Model

/// What a journal says about how far a job had come.
package struct JournalSummary: Sendable, Equatable {
  /// Steps whose `begun` row is there.
  package var begun: Set<RestoreStep>
  /// Steps whose `done` row is there.
  package var done: Set<RestoreStep>
  /// Why a rollback or discard was begun, if one was.
  package var cause: RestoreEnding?

  /// Makes a summary; the default is an empty journal.
  package init(
    begun: Set<RestoreStep> = [],
    done: Set<RestoreStep> = [],
    cause: RestoreEnding? = nil
  ) {
    self.begun = begun
    self.done = done
    self.cause = cause
  }
}

/// Why a run turns back.
package enum RestoreEnding: Sendable, Equatable, Codable {
  /// Something failed.
  case failed(JobFailure)
  /// Its owner wants it to end.
  case cancelled

  /// What the job will say.
  package var failure: JobFailure {
    switch self {
    case .failed(let failure): failure
    case .cancelled:
      JobFailure(code: .jobCancelled, detail: "The job was cancelled; the target is as it was.")
    }
  }
}

/// The course of a restore or undo: events in, actions out, no effect inside.
///
/// Before `stop` nothing of the target is touched, so a failure discards the stage. From `stop` to
/// `start` the target is off: a failure puts it back as it was. After `start` the new disk is the
/// target's: nothing turns back any more.
package struct RestoreMachine: Sendable, Equatable {
  /// What the runner tells.
  package enum Event: Sendable, Equatable {
    /// A worker takes the job up, with what its journal says.
    case taken(JournalSummary)
    /// The step went well.
    case succeeded(RestoreStep)
    /// The step failed; `isLastAttempt` says that no retry will come.
    case failed(RestoreStep, JobFailure, isLastAttempt: Bool)
    /// Its owner wants it to end; told before each step.
    case cancelRequested
  }

  /// What the runner is to do.
  package enum Action: Sendable, Equatable {
    /// Perform this step.
    case perform(RestoreStep)
    /// Perform this step because the run turns back; the journal keeps the cause.
    case turnBack(RestoreStep, RestoreEnding)
    /// Give the job back to be tried again later; the journal leads on from here.
    case retry(JobFailure)
    /// The job ended well.
    case complete
    /// The job ended otherwise.
    case end(RestoreEnding)
  }

  package let kind: RestoreKind
  /// The step to perform next, or being performed; nil before the start and after the end.
  package private(set) var current: RestoreStep?
  private var ending: RestoreEnding?

  /// Makes a machine that waits for `taken`.
  package init(_ kind: RestoreKind) {
    self.kind = kind
  }

  /// Whether a cancel can still be followed.
  package var canCancel: Bool {
    guard ending == nil else { return false }
    switch current {
    case .check, .stage, .verify, .stop, .swap: return true
    case .start, .confirm, .finish, .rollback, .discard, nil: return false
    }
  }

  /// Takes an event and says what to do.
  package mutating func on(_ event: Event) -> Action {
    switch event {
    case .taken(let journal): taken(journal)
    case .succeeded(let step): succeeded(step)
    case .failed(let step, let failure, let isLast): failed(step, failure, isLastAttempt: isLast)
    case .cancelRequested: turnBack(.discard, .cancelled)
    }
  }

  private mutating func taken(_ journal: JournalSummary) -> Action {
    if let cause = journal.cause {
      if journal.begun.contains(.rollback), !journal.done.contains(.rollback) {
        return turnBack(.rollback, cause)
      }
      return turnBack(.discard, cause)
    }
    // Nothing of the target was touched before `stop`, and a stage whose writer died isn't trusted.
    guard journal.begun.contains(.stop) else { return perform(.check) }
    let rest = kind.steps.drop { $0 != .stop }
    return perform(rest.first { !journal.done.contains($0) } ?? .finish)
  }

  private mutating func succeeded(_ step: RestoreStep) -> Action {
    switch step {
    case .rollback:
      // The ending is always there: a rollback has a cause.
      return turnBack(.discard, ending ?? .cancelled)
    case .discard:
      current = nil
      return .end(ending ?? .cancelled)
    case .finish:
      current = nil
      return .complete
    case .check, .stage, .verify, .stop, .swap, .start, .confirm:
      guard let place = kind.steps.firstIndex(of: step) else { return perform(.finish) }
      return perform(kind.steps[place + 1])
    }
  }

  private mutating func failed(
    _ step: RestoreStep,
    _ failure: JobFailure,
    isLastAttempt: Bool
  ) -> Action {
    // What is begun must be ended: these steps are tried as often as the worker lets them.
    let isBound = [.confirm, .finish, .rollback, .discard].contains(step)
    if failure.isTransient, !isLastAttempt || isBound {
      current = nil
      return .retry(failure)
    }
    // Files that can't be told apart stop everything, the way back included.
    if failure.left == .needsOperator, step == .swap || step == .start {
      return end(.failed(failure))
    }
    switch step {
    case .check, .stage, .verify, .stop:
      return turnBack(.discard, .failed(failure))
    case .swap, .start:
      return turnBack(.rollback, .failed(failure))
    case .confirm, .finish:
      // The target has its new disk and ran on it: there is no way back that loses nothing.
      return end(.failed(failure))
    case .rollback, .discard:
      return end(.failed(failure))
    }
  }

  private mutating func perform(_ step: RestoreStep) -> Action {
    current = step
    return .perform(step)
  }

  private mutating func turnBack(_ step: RestoreStep, _ ending: RestoreEnding) -> Action {
    current = step
    self.ending = ending
    return .turnBack(step, ending)
  }

  private mutating func end(_ ending: RestoreEnding) -> Action {
    current = nil
    self.ending = ending
    return .end(ending)
  }
}
